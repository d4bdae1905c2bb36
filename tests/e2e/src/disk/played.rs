//! A disk on which deeds are played back, with what is certain and what is not.

use std::collections::BTreeMap;

use super::strace::Deed;

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// A change that is not certain yet.
#[derive(Debug, Clone)]
enum Pending {
    Write { at: usize, bytes: Vec<u8> },
    Cut(usize),
}

#[derive(Debug, Clone, Default)]
struct Inode {
    now: Vec<u8>,
    synced: Vec<u8>,
    pending: Vec<Pending>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    synced_names: BTreeMap<String, usize>,
}

impl Disk {
    pub(super) fn new(before: &BTreeMap<String, Vec<u8>>) -> Self {
        let mut disk = Self::default();
        for (name, content) in before {
            disk.names.insert(name.clone(), disk.inodes.len());
            let (now, synced) = (content.clone(), content.clone());
            disk.inodes.push(Inode { now, synced, pending: Vec::new() });
        }
        disk.synced_names = disk.names.clone();
        disk
    }

    fn inode(&mut self, name: &str) -> Option<&mut Inode> {
        self.names.get(name).and_then(|at| self.inodes.get_mut(*at))
    }

    fn change(&mut self, name: &str, change: Pending) {
        // What has no name any more is gone after a crash.
        let Some(inode) = self.inode(name) else { return };
        apply(&mut inode.now, &change);
        inode.pending.push(change);
    }

    pub(super) fn play(&mut self, deed: &Deed) {
        match deed {
            Deed::Make(name) => {
                if !self.names.contains_key(name) {
                    self.names.insert(name.clone(), self.inodes.len());
                    self.inodes.push(Inode::default());
                }
            }
            Deed::Write { name, at, bytes } => {
                self.change(name, Pending::Write { at: *at, bytes: bytes.clone() });
            }
            Deed::Append { name, bytes } => {
                let at = self.inode(name).map_or(0, |inode| inode.now.len());
                self.change(name, Pending::Write { at, bytes: bytes.clone() });
            }
            Deed::Cut { name, length } => self.change(name, Pending::Cut(*length)),
            Deed::Sync(name) if name.is_empty() => self.synced_names = self.names.clone(),
            Deed::Sync(name) => {
                if let Some(inode) = self.inode(name) {
                    inode.synced = inode.now.clone();
                    inode.pending.clear();
                }
            }
            Deed::Rename { from, to } => {
                if let Some(at) = self.names.remove(from) {
                    self.names.insert(to.clone(), at);
                }
            }
            Deed::Link { from, to } => {
                if let Some(at) = self.names.get(from).copied() {
                    self.names.insert(to.clone(), at);
                }
            }
            Deed::Remove(name) => {
                self.names.remove(name);
            }
            Deed::Say(_) => {}
        }
    }

    pub(super) fn all(&self) -> BTreeMap<String, Vec<u8>> {
        self.files(&self.names, |inode| inode.now.clone())
    }

    pub(super) fn synced(&self) -> BTreeMap<String, Vec<u8>> {
        self.files(&self.synced_names, |inode| inode.synced.clone())
    }

    /// Names as they are now or as they were synced, and of each file some of the sectors
    /// that were written since.
    pub(super) fn some(&self, dice: &mut Dice) -> BTreeMap<String, Vec<u8>> {
        let names = if dice.one_in(2) { &self.names } else { &self.synced_names };
        self.files(names, |inode| {
            let mut content = inode.synced.clone();
            for change in &inode.pending {
                match change {
                    Pending::Cut(_) => {
                        if dice.one_in(2) {
                            apply(&mut content, change);
                        }
                    }
                    Pending::Write { at, bytes } => {
                        for (piece, sector) in bytes.chunks(SECTOR).enumerate() {
                            if dice.one_in(2) {
                                let at = at + piece * SECTOR;
                                let bytes = sector.to_vec();
                                apply(&mut content, &Pending::Write { at, bytes });
                            }
                        }
                    }
                }
            }
            content
        })
    }

    fn files(
        &self,
        names: &BTreeMap<String, usize>,
        mut content: impl FnMut(&Inode) -> Vec<u8>,
    ) -> BTreeMap<String, Vec<u8>> {
        let known = names.iter().filter_map(|(name, at)| Some((name, self.inodes.get(*at)?)));
        known.map(|(name, inode)| (name.clone(), content(inode))).collect()
    }
}

fn apply(content: &mut Vec<u8>, change: &Pending) {
    match change {
        Pending::Cut(length) => content.resize(*length, 0),
        Pending::Write { at, bytes } => {
            let end = at + bytes.len();
            if content.len() < end {
                content.resize(end, 0);
            }
            content.get_mut(*at..end).expect("just made").copy_from_slice(bytes);
        }
    }
}

/// The same throws for the same seed.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    fn one_in(&mut self, sides: u64) -> bool {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)).is_multiple_of(sides)
    }
}
