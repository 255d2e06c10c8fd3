//! The numbers of turns of conversations.

use super::world::Chance;
use flate2::read::GzDecoder;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

pub fn lengths(count: usize, seed: u64) -> Vec<u32> {
    let real = real().unwrap_or_else(|| {
        println!("the real conversations are not available: random lengths are used");
        let mut chance = Chance(seed);
        (0..500).map(|_| 3 + chance.below(12) as u32 + chance.below(12) as u32).collect()
    });
    real.iter().copied().cycle().take(count).collect()
}

fn real() -> Option<Vec<u32>> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/multidogo");
    let folder = std::env::var_os("VERBATIM_REAL_CONVERSATIONS").map_or_else(beside, PathBuf::from);
    let mut lengths = Vec::new();
    let mut files: Vec<_> =
        std::fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|file| file.path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.to_string_lossy().ends_with(".dev.tsv.gz")) {
        let mut text = String::new();
        GzDecoder::new(File::open(file).ok()?).read_to_string(&mut text).ok()?;
        let mut turns: BTreeMap<&str, u32> = BTreeMap::new();
        for line in text.lines().skip(1) {
            *turns.entry(line.split('\t').next()?).or_default() += 2;
        }
        lengths.extend(turns.into_values());
    }
    (!lengths.is_empty()).then_some(lengths)
}
