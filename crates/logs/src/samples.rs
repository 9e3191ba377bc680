//! What was measured of a build, beside its log: a record for each sample while the build runs, and
//! compressed when the log is sealed.
//!
//! **`samples`** in the folder of a live log holds records like a segment's: the seq counts the
//! samples, the time is the sample's in microseconds, the text its values, `-` for none.
//! **`samples.zst`** in a sealed one is one zstd frame of text with a row for the times and one for
//! each metric: the first entry in full, then the difference to the one before. A row of small,
//! similar numbers compresses to little, and `zstd -dc` shows it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use domain::{Metric, Sample};
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use crate::error::{At, LogError, Result};
use crate::record::{self, Records};

const LIVE_FILE: &str = "samples";
const SEALED_FILE: &str = "samples.zst";
const NONE: &str = "-";

/// Adds the samples that are later than the last one stored: what is sent twice is stored once.
pub(crate) fn append(dir: &Path, samples: &[Sample]) -> Result<()> {
    let path = dir.join(LIVE_FILE);
    let (stored, whole) = read_live(&path)?;
    let last = stored.last().map(|sample| sample.ts);
    let mut data = Vec::new();
    let mut newest = last;
    let mut seq = stored.len() as u64;
    for sample in samples {
        if newest.is_some_and(|newest| sample.ts <= newest) {
            continue;
        }
        record::encode(
            &mut data,
            seq,
            sample.ts.saturating_mul(1000),
            &values(sample),
        );
        newest = Some(sample.ts);
        seq += 1;
    }
    if data.is_empty() {
        return Ok(());
    }
    fs::create_dir_all(dir).at(dir)?;
    crate::live::write_at(&path, &data, whole).map(drop)
}

/// The samples of a live log.
pub(crate) fn live(dir: &Path) -> Result<Vec<Sample>> {
    Ok(read_live(&dir.join(LIVE_FILE))?.0)
}

/// The samples of a sealed log.
pub(crate) fn sealed(dir: &Path) -> Result<Vec<Sample>> {
    let path = dir.join(SEALED_FILE);
    let file = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        file => file.at(&path)?,
    };
    let text = zstd::stream::decode_all(file).map_err(|error| LogError::damaged(&path, error))?;
    let text = String::from_utf8(text).map_err(|error| LogError::damaged(&path, error))?;
    decode(&text).ok_or_else(|| LogError::damaged(&path, "not rows of numbers"))
}

/// Writes the samples of a live log into the folder that becomes the sealed one; nothing where there
/// are none.
pub(crate) fn seal(live_dir: &Path, tmp: &Path) -> Result<()> {
    let samples = live(live_dir)?;
    if samples.is_empty() {
        return Ok(());
    }
    let path = tmp.join(SEALED_FILE);
    let mut compressor = Compressor::new(zstd::DEFAULT_COMPRESSION_LEVEL).at(&path)?;
    compressor
        .set_parameter(CParameter::ChecksumFlag(true))
        .at(&path)?;
    let frame = compressor.compress(encode(&samples).as_bytes()).at(&path)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .at(&path)?;
    file.write_all(&frame)
        .and_then(|()| file.sync_all())
        .at(&path)
}

/// What is whole in the file, and how many bytes that is.
fn read_live(path: &Path) -> Result<(Vec<Sample>, u64)> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        bytes => bytes.at(path)?,
    };
    let mut records = Records::new(&bytes);
    let samples = records
        .by_ref()
        .map(|record| sample(record.ts.div_euclid(1000), record.text.split(' ')))
        .collect::<Option<_>>()
        .ok_or_else(|| LogError::damaged(path, "a record is not a sample"))?;
    Ok((samples, records.read() as u64))
}

fn values(sample: &Sample) -> String {
    let value = |value: Option<u64>| value.map_or(NONE.to_owned(), |value| value.to_string());
    sample.values.map(value).join(" ")
}

fn sample<'a>(ts: i64, mut words: impl Iterator<Item = &'a str>) -> Option<Sample> {
    let mut values = [None; Metric::ALL.len()];
    for value in &mut values {
        let word = words.next()?;
        *value = (word != NONE).then(|| word.parse()).transpose().ok()?;
    }
    words.next().is_none().then_some(Sample { ts, values })
}

fn encode(samples: &[Sample]) -> String {
    let times = samples.iter().map(|sample| Some(i128::from(sample.ts)));
    let mut rows = vec![row("ts", times)];
    for metric in Metric::ALL {
        let values = samples
            .iter()
            .map(|sample| sample.get(metric).map(i128::from));
        rows.push(row(metric.as_str(), values));
    }
    rows.concat()
}

/// A name, then each value as the difference to the last one that there was.
fn row(name: &str, values: impl Iterator<Item = Option<i128>>) -> String {
    let mut row = name.to_owned();
    let mut before = 0;
    for value in values {
        row.push(' ');
        match value {
            None => row.push_str(NONE),
            Some(value) => {
                row.push_str(&(value - before).to_string());
                before = value;
            }
        }
    }
    row.push('\n');
    row
}

fn decode(text: &str) -> Option<Vec<Sample>> {
    let mut rows = text.lines();
    let times = unrow("ts", rows.next()?)?;
    let mut samples: Vec<Sample> = times
        .into_iter()
        .map(|ts| {
            let (ts, values) = (i64::try_from(ts?).ok()?, [None; Metric::ALL.len()]);
            Some(Sample { ts, values })
        })
        .collect::<Option<_>>()?;
    for metric in Metric::ALL {
        let values = unrow(metric.as_str(), rows.next()?)?;
        if values.len() != samples.len() {
            return None;
        }
        for (sample, value) in samples.iter_mut().zip(values) {
            sample.values[metric as usize] = value.map(u64::try_from).transpose().ok()?;
        }
    }
    Some(samples)
}

fn unrow(name: &str, row: &str) -> Option<Vec<Option<i128>>> {
    let mut words = row.split(' ');
    if words.next()? != name {
        return None;
    }
    let mut before = 0_i128;
    let value = |word: &str| {
        if word == NONE {
            return Some(None);
        }
        before = before.checked_add(word.parse().ok()?)?;
        Some(Some(before))
    };
    words.map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_samples() -> impl Strategy<Value = Vec<Sample>> {
        let sample = (1i64..1_000_000, any::<[Option<u64>; 5]>());
        proptest::collection::vec(sample, 0..40).prop_map(|steps| {
            let mut ts = 1_764_000_000_000;
            let at = |(step, values): (i64, _)| {
                ts += step;
                Sample { ts, values }
            };
            steps.into_iter().map(at).collect()
        })
    }

    proptest! {
        #[test]
        fn samples_come_back_live_and_sealed(samples in any_samples(), again in 0usize..40, torn in "[a-z]{0,9}") {
            let dir = tempfile::tempdir().unwrap();
            let (folder, tmp) = (dir.path().join("live"), dir.path().join("tmp"));
            fs::create_dir(&tmp).unwrap();
            append(&folder, &samples).unwrap();
            // A write that a crash cut short, and a batch whose answer got lost.
            if !samples.is_empty() {
                let mut file = OpenOptions::new().append(true).open(folder.join(LIVE_FILE)).unwrap();
                file.write_all(torn.as_bytes()).unwrap();
            }
            append(&folder, &samples[again.min(samples.len())..]).unwrap();
            prop_assert_eq!(&live(&folder).unwrap(), &samples);
            seal(&folder, &tmp).unwrap();
            prop_assert_eq!(sealed(&tmp).unwrap(), samples);
        }

        #[test]
        fn hostile_text_is_no_samples(text in "[a-z0-9 \n-]{0,80}") {
            if let Some(samples) = decode(&text) {
                prop_assert_eq!(decode(&encode(&samples)), Some(samples));
            }
        }
    }

    #[test]
    fn two_hours_take_few_tens_of_kilobytes() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, tmp) = (dir.path().join("live"), dir.path().join("tmp"));
        fs::create_dir(&tmp).unwrap();
        // One a second, which is more than is measured over so long a time, none like the other.
        let noise = |i: u64| i.wrapping_mul(6_364_136_223_846_793_005) >> 54;
        let samples: Vec<_> = (0..7200u64)
            .map(|i| {
                let values = [
                    noise(i),
                    1_000_000 + noise(i + 1),
                    noise(i + 2),
                    noise(i + 3) / 8,
                    i,
                ];
                Sample {
                    ts: 1_764_000_000_000 + i64::try_from(i).unwrap() * 1000,
                    values: values.map(Some),
                }
            })
            .collect();
        append(&folder, &samples).unwrap();
        seal(&folder, &tmp).unwrap();
        let size = fs::metadata(tmp.join(SEALED_FILE)).unwrap().len();
        assert!(size < 64 << 10, "{size}");
    }
}
