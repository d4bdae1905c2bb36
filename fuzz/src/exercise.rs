//! A target as a test: its seeds, and mutations of them from a generator with a fixed seed, so
//! that every run on every machine tries the same inputs.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

/// Mutated inputs tried per target and run.
const INPUTS: usize = 20_000;

/// Octets of one input.
const LENGTH_MAX: usize = 4096;

/// Runs `target` over `corpus/NAME` and its mutations. `words` are pieces of the input's language
/// that a mutation may put in.
pub(crate) fn exercise(name: &str, target: fn(&[u8]), words: &[&[u8]]) {
    let seeds = seeds(name);
    for (file, seed) in &seeds {
        attempt(name, file, target, seed);
    }
    let mut random = Xorshift(0x9e37_79b9_7f4a_7c15);
    for round in 0..INPUTS {
        let mut input = random.pick(&seeds).1.clone();
        for _ in 0..=random.below(3) {
            mutate(&mut input, &mut random, &seeds, words);
        }
        input.truncate(LENGTH_MAX);
        attempt(name, &format!("mutation {round}"), target, &input);
    }
}

fn seeds(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut seeds: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
        })
        .collect();
    seeds.sort();
    assert!(!seeds.is_empty(), "no seeds in {}", folder.display());
    seeds
}

fn attempt(name: &str, what: &str, target: fn(&[u8]), input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(input))) {
        eprintln!("target {name}, {what}: b\"{}\"", input.escape_ascii());
        resume_unwind(panic);
    }
}

fn mutate(
    input: &mut Vec<u8>,
    random: &mut Xorshift,
    seeds: &[(String, Vec<u8>)],
    words: &[&[u8]],
) {
    let at = random.below(input.len() + 1);
    match random.below(12) {
        0 | 1 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        2 | 3 => input.insert(at, random.byte()),
        4..=6 if !words.is_empty() => {
            let word = *random.pick(words);
            input.splice(at..at, word.iter().copied());
        }
        7 | 8 => {
            let end = (at + random.below(8)).min(input.len());
            input.drain(at..end);
        }
        9 => {
            // Repeat a piece, up to many times: limits.
            let end = (at + 1 + random.below(16)).min(input.len());
            let piece = input[at..end].repeat(1 << random.below(8));
            input.splice(at..at, piece);
        }
        10 => {
            let other = &random.pick(seeds).1;
            let from = random.below(other.len() + 1);
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
        _ => input.truncate(at),
    }
}

/// Marsaglia's xorshift64*: small, and the same everywhere.
struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Less than `bound`, which is not 0.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
