//! Clock, memory, and the cost of single probes.

use std::hint::black_box;
use std::time::{Duration, Instant};

use memmap2::MmapMut;

use crate::figures::Figures;

#[expect(clippy::disallowed_methods, reason = "a measurement needs the clock")]
pub(crate) fn clock() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "nothing else runs on this thread")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Evenly spread 64 bits.
pub(crate) fn mix(number: u64) -> u64 {
    let mut word = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// Times of single calls, in nanoseconds.
#[derive(Default)]
pub(crate) struct Times(Vec<u32>);

impl Times {
    /// Times every call alone; the cost of reading the clock is taken off.
    pub(crate) fn of<K>(keys: impl Iterator<Item = K>, call: impl Fn(K) -> usize) -> Self {
        let empty = (0..1000).map(|_| clock().elapsed()).min().unwrap_or_default();
        let mut times = Vec::with_capacity(keys.size_hint().0);
        for key in keys {
            let start = clock();
            black_box(call(black_box(key)));
            let time = start.elapsed().saturating_sub(empty);
            times.push(u32::try_from(time.as_nanos()).unwrap_or(u32::MAX));
        }
        Self(times)
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Median and 99th percentile.
    pub(crate) fn percentiles(mut self) -> (f64, f64) {
        self.0.sort_unstable();
        let at = |percent: usize| self.0.get(self.0.len() * percent / 100).copied().unwrap_or(0);
        (f64::from(at(50)), f64::from(at(99)))
    }
}

/// What the machine takes for one read at a random place of that much memory in pages of
/// 2 MiB, each read waiting for the one before: no probe can be faster.
pub(crate) fn one_read(bytes: usize) -> std::io::Result<Duration> {
    const READS: u32 = 2_000_000;
    let mut map = MmapMut::map_anon(bytes.max(4096))?;
    #[cfg(target_os = "linux")]
    let _ = map.advise(memmap2::Advice::HugePage);
    for page in map.chunks_mut(4096) {
        if let Some(byte) = page.first_mut() {
            *byte = 1;
        }
    }
    let length = map.len() as u64;
    let (mut state, start) = (1_u64, clock());
    for _ in 0..READS {
        let at = (u128::from(mix(state)) * u128::from(length)) >> 64;
        let read = map.get(usize::try_from(at).unwrap_or(0)).copied().unwrap_or(0);
        state = state.wrapping_add(u64::from(read)).wrapping_add(1);
    }
    black_box(state);
    Ok(start.elapsed() / READS)
}

/// A line of `/proc/self/status` in MiB.
pub(crate) fn memory(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

/// Does something and tells the time it took; adds the memory before and at its peak.
pub(crate) fn with_peak<T>(
    figures: &mut Figures,
    (before, peak): (&'static str, &'static str),
    work: impl FnOnce() -> T,
) -> (T, Duration) {
    figures.add(before, "MiB", memory("VmRSS:"));
    // proc(5): 5 sets the peak back to what is resident now.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let start = clock();
    let done = work();
    let time = start.elapsed();
    figures.add(peak, "MiB", memory("VmHWM:"));
    (done, time)
}
