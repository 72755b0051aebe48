//! The model files: where they are looked for, and whether they are what they should be.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::SpeechError;

/// The folder in which models are looked for.
pub const MODELS_FOLDER: &str = "models";
/// The file name of the model that is used when none is configured.
pub const DEFAULT_MODEL: &str = "ggml-base-q8_0.bin";
/// The file name of the voice detector.
pub const VAD_MODEL: &str = "ggml-silero-v6.2.0.bin";

/// A model whose content is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownModel {
    /// Its file name.
    pub file: &'static str,
    /// What it is, for people.
    pub title: &'static str,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: &'static str,
}

/// Every model whose content is known.
pub const KNOWN_MODELS: &[KnownModel] = &[
    KnownModel {
        file: DEFAULT_MODEL,
        title: "Whisper base, multilingual, 8-bit",
        bytes: 81_768_585,
        sha256: "364167dabed3601a49e3f26114c3b175b4d0742dc36f60a7a2b7241cc4c02947",
    },
    KnownModel {
        file: "ggml-tiny.en-q8_0.bin",
        title: "Whisper tiny, English, 8-bit",
        bytes: 43_550_778,
        sha256: "6c39033ecfd98565fe6a70f4c03998faaa1f51f6c26cf1966dfc58840aceab70",
    },
    KnownModel {
        file: VAD_MODEL,
        title: "Silero voice activity detector 6.2.0",
        bytes: 885_098,
        sha256: "c2757c54544059580a468f88b096a48919e28f4d594cf6c5f25fbcdfe5b0be41",
    },
];

/// The files a recogniser needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFiles {
    /// The speech model.
    pub model: PathBuf,
    /// The voice detector.
    pub vad_model: PathBuf,
}

/// Finds the model files. A configured path is taken as it is; without one the default model is looked for in `models/`
/// of the working folder, then beside the program, one and two folders above it. The voice detector is also looked for
/// beside a configured model.
///
/// # Errors
/// [`SpeechError::Missing`] with every place that was looked at.
pub fn find_models(configured: Option<&Path>) -> Result<ModelFiles, SpeechError> {
    let program = std::env::current_exe().ok().and_then(|program| program.parent().map(Path::to_owned));
    find_in(configured, &model_folders(program.as_deref()))
}

/// The folders in which models are looked for, in order.
fn model_folders(program_folder: Option<&Path>) -> Vec<PathBuf> {
    let beside = |folder: &Path| folder.join(MODELS_FOLDER);
    let mut folders = vec![PathBuf::from(MODELS_FOLDER)];
    folders.extend(program_folder.into_iter().flat_map(|folder| folder.ancestors().take(3).map(beside)));
    folders
}

fn find_in(configured: Option<&Path>, folders: &[PathBuf]) -> Result<ModelFiles, SpeechError> {
    let model = match configured {
        Some(path) => first_file(&[path.to_owned()])?,
        None => first_file(&folders.iter().map(|folder| folder.join(DEFAULT_MODEL)).collect::<Vec<_>>())?,
    };
    let beside = model.parent().map(|folder| folder.join(VAD_MODEL));
    let places: Vec<PathBuf> = beside.into_iter().chain(folders.iter().map(|folder| folder.join(VAD_MODEL))).collect();
    let vad_model = first_file(&places)?;
    Ok(ModelFiles { model, vad_model })
}

fn first_file(places: &[PathBuf]) -> Result<PathBuf, SpeechError> {
    let missing = || SpeechError::Missing { places: places.to_vec() };
    places.iter().find(|place| place.is_file()).cloned().ok_or_else(missing)
}

/// The SHA-256 of a file's content, in hexadecimal.
///
/// # Errors
/// [`SpeechError::Unreadable`] when it cannot be read.
pub fn sha256_file(path: &Path) -> Result<String, SpeechError> {
    let unreadable = |source| SpeechError::Unreadable { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut buffer).map_err(unreadable)?;
        match buffer.get(..count) {
            Some(bytes) if !bytes.is_empty() => hash.update(bytes),
            _ => break,
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Checks a model file of either kind and says for people what it is.
///
/// # Errors
/// As [`check_model`].
pub fn verify(path: &Path) -> Result<String, SpeechError> {
    if let Some(known) = check_known(path)? {
        return Ok(format!("{}, SHA-256 as it should be", known.title));
    }
    check_unknown(path)?;
    Ok("a whole Whisper model, but none of the known ones".to_owned())
}

/// Checks a speech model: a known file by its checksum, any other by walking through all it holds, because the library
/// that loads it trusts every number in it. Gives the known model it is, if any.
///
/// # Errors
/// [`SpeechError::Checksum`] when a file with a known name holds something else; [`SpeechError::NotAModel`];
/// [`SpeechError::Unreadable`].
pub fn check_model(path: &Path) -> Result<Option<KnownModel>, SpeechError> {
    match check_known(path)? {
        Some(known) if known.file == VAD_MODEL => {
            Err(not_a_model(path, "it is a voice detector; give it a speech model"))
        }
        Some(known) => Ok(Some(known)),
        None => {
            check_unknown(path)?;
            tracing::warn!(path = %path.display(), "the speech model is none of the known ones; it is used as it is");
            Ok(None)
        }
    }
}

/// Walks through a model that is not known.
fn check_unknown(path: &Path) -> Result<(), SpeechError> {
    let unreadable = |source| SpeechError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let bytes = file.metadata().map_err(unreadable)?.len();
    walk_model(&mut BufReader::new(file), bytes).map_err(|why| not_a_model(path, why))
}

fn not_a_model(path: &Path, why: &str) -> SpeechError {
    SpeechError::NotAModel { path: path.to_owned(), why: why.to_owned() }
}

/// Checks the voice detector, which must be a known one.
///
/// # Errors
/// As [`check_model`]; [`SpeechError::NotAModel`] when it is not the known voice detector.
pub fn check_vad(path: &Path) -> Result<KnownModel, SpeechError> {
    check_known(path)?.filter(|known| known.file == VAD_MODEL).ok_or_else(|| {
        not_a_model(path, "it is not the voice detector that is known here; copy it from the project's models/ again")
    })
}

/// The known model the file is; an error when it only has the name of one.
fn check_known(path: &Path) -> Result<Option<KnownModel>, SpeechError> {
    let found = sha256_file(path)?;
    if let Some(known) = KNOWN_MODELS.iter().find(|known| known.sha256 == found) {
        return Ok(Some(*known));
    }
    match KNOWN_MODELS.iter().find(|known| path.file_name().is_some_and(|name| name == known.file)) {
        Some(known) => Err(SpeechError::Checksum { path: path.to_owned(), expected: known.sha256.to_owned(), found }),
        None => Ok(None),
    }
}

/// Walks through a ggml speech model from end to end; says what is wrong with it.
fn walk_model(file: &mut (impl Read + Seek), bytes: u64) -> Result<(), &'static str> {
    const MAGIC: i64 = 0x6767_6d6c;
    const WORD_BYTES_MAX: i64 = 1024;
    if number(file)? != MAGIC {
        return Err("it does not begin like a ggml file");
    }
    let mut header = [0_i64; 11];
    for value in &mut header {
        *value = number(file)?;
    }
    let [vocabulary, audio_ctx, state, heads, layers, text_ctx, text_state, text_heads, text_layers, mels, ftype] =
        header;
    let sane = (51_000..=53_000).contains(&vocabulary)
        && audio_ctx == 1500
        && [384, 512, 768, 1024, 1280].contains(&state)
        && state == text_state
        && heads * 64 == state
        && text_heads * 64 == state
        && [4, 6, 12, 24, 32].contains(&layers)
        && (1..=32).contains(&text_layers)
        && text_ctx == 448
        && [80, 128].contains(&mels)
        && [0, 1, 2, 3, 7, 8, 9].contains(&(ftype % 1000));
    if !sane {
        return Err("its header is not that of a Whisper model");
    }
    if (number(file)?, number(file)?) != (mels, 201) {
        return Err("its filters are not those of a Whisper model");
    }
    skip(file, mels * 201 * 4, bytes)?;
    let words = number(file)?;
    if !(50_000..=vocabulary).contains(&words) {
        return Err("its vocabulary has a wrong size");
    }
    for _ in 0..words {
        let length = number(file)?;
        if length > WORD_BYTES_MAX {
            return Err("its vocabulary is damaged");
        }
        skip(file, length, bytes)?;
    }
    while file.stream_position().map_err(|_| UNREADABLE)? < bytes {
        walk_tensor(file, bytes)?;
    }
    Ok(())
}

const UNREADABLE: &str = "it ends too early; fetch it again";

/// Walks over one tensor.
fn walk_tensor(file: &mut (impl Read + Seek), bytes: u64) -> Result<(), &'static str> {
    const DAMAGED: &str = "one of its tensors is damaged; fetch it again";
    const NAME_BYTES_MAX: i64 = 256;
    const SIDE_MAX: i64 = 1 << 20;
    let (sides, name_bytes, kind) = (number(file)?, number(file)?, number(file)?);
    // Elements in a block and its bytes, for f32, f16, q4_0, q4_1, q5_0, q5_1 and q8_0.
    let (block, block_bytes) = match kind {
        0 => (1, 4),
        1 => (1, 2),
        2 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        _ => return Err(DAMAGED),
    };
    if !(1..=4).contains(&sides) || !(1..=NAME_BYTES_MAX).contains(&name_bytes) {
        return Err(DAMAGED);
    }
    let mut elements: i64 = 1;
    for _ in 0..sides {
        let side = number(file)?;
        if !(1..=SIDE_MAX).contains(&side) {
            return Err(DAMAGED);
        }
        elements = elements.checked_mul(side).ok_or(DAMAGED)?;
    }
    skip(file, name_bytes, bytes)?;
    skip(file, (elements / block).checked_mul(block_bytes).ok_or(DAMAGED)?, bytes)
}

/// Reads one little-endian number of 32 bits.
fn number(file: &mut impl Read) -> Result<i64, &'static str> {
    let mut raw = [0; 4];
    file.read_exact(&mut raw).map_err(|_| UNREADABLE)?;
    Ok(i64::from(u32::from_le_bytes(raw)))
}

/// Moves over so many bytes, which must be there.
fn skip(file: &mut impl Seek, count: i64, bytes: u64) -> Result<(), &'static str> {
    let to = file.seek(SeekFrom::Current(count)).map_err(|_| UNREADABLE)?;
    if to > bytes { Err(UNREADABLE) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

    use std::fs;
    use std::io::Cursor;

    use super::*;

    /// The smallest file that is built like a Whisper model: header, filters, vocabulary, one tensor.
    fn small_model() -> Vec<u8> {
        let mut file = Vec::new();
        let put = |file: &mut Vec<u8>, number: u32| file.extend_from_slice(&number.to_le_bytes());
        for number in [0x6767_6d6c, 51_865, 1500, 512, 8, 6, 448, 512, 8, 6, 80, 7, 80, 201] {
            put(&mut file, number);
        }
        file.resize(file.len() + 80 * 201 * 4, 0);
        put(&mut file, 50_257);
        for _ in 0..50_257 {
            put(&mut file, 1);
            file.push(b'x');
        }
        for number in [2, 4, 8, 64, 2] {
            put(&mut file, number);
        }
        file.extend_from_slice(b"name");
        file.resize(file.len() + 64 * 2 / 32 * 34, 0);
        file
    }

    fn check(model: &[u8], fits: bool) {
        let walked = walk_model(&mut Cursor::new(model), model.len() as u64);
        assert_eq!(walked.is_ok(), fits, "{} bytes: {walked:?}", model.len());
    }

    #[test]
    fn walks_a_whole_model_and_stops_at_a_damaged_one() {
        let whole = small_model();
        check(&whole, true);
        check(b"", false);
        check(b"RIFF and then some", false);
        for length in [3, 4, 30, 56, 1000, 64_400, 100_000, whole.len() - 137, whole.len() - 1] {
            check(&whole[..length], false);
        }
        // Each number of the header, the filters, the vocabulary's size, a word's length, the tensor's head.
        let tensor = whole.len() - 136 - 4 - 20;
        for at in [
            0,
            4,
            8,
            12,
            16,
            20,
            24,
            28,
            32,
            36,
            40,
            44,
            48,
            52,
            64_376,
            64_380,
            tensor,
            tensor + 4,
            tensor + 8,
            tensor + 12,
        ] {
            let mut damaged = whole.clone();
            damaged[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
            check(&damaged, false);
        }
    }

    #[test]
    fn looks_in_each_folder_and_names_them_all() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("first"), folder.path().join("second"));
        let folders = [first.clone(), second.clone()];
        fs::create_dir(&second).unwrap();
        let error = find_in(None, &folders).unwrap_err().to_string();
        assert!(
            error.contains("first") && error.contains("second") && error.contains("SPHERECONNECT_MODEL"),
            "{error}"
        );
        fs::write(second.join(DEFAULT_MODEL), "").unwrap();
        assert!(find_in(None, &folders).unwrap_err().to_string().contains(VAD_MODEL));
        fs::write(second.join(VAD_MODEL), "").unwrap();
        let found = ModelFiles { model: second.join(DEFAULT_MODEL), vad_model: second.join(VAD_MODEL) };
        assert_eq!(find_in(None, &folders).unwrap(), found);
        let own = folder.path().join("own.bin");
        assert!(find_in(Some(&own), &folders).unwrap_err().to_string().contains("own.bin"));
        fs::write(&own, "").unwrap();
        assert_eq!(
            find_in(Some(&own), &folders).unwrap(),
            ModelFiles { model: own, vad_model: second.join(VAD_MODEL) }
        );
        let wanted = ["models", "/a/b/c/models", "/a/b/models", "/a/models"].map(PathBuf::from);
        assert_eq!(model_folders(Some(Path::new("/a/b/c"))), wanted);
    }

    #[test]
    fn knows_a_file_by_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let named = folder.path().join(DEFAULT_MODEL);
        fs::write(&named, "abc").unwrap();
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_file(&named).unwrap(), hash);
        let error = check_model(&named).unwrap_err();
        assert!(matches!(&error, SpeechError::Checksum { found, .. } if found == hash), "{error}");
        let own = folder.path().join("own.bin");
        fs::write(&own, small_model()).unwrap();
        assert_eq!(check_model(&own).unwrap(), None);
        fs::write(&own, "abc").unwrap();
        assert!(matches!(check_model(&own), Err(SpeechError::NotAModel { .. })));
        assert!(matches!(check_vad(&own), Err(SpeechError::NotAModel { .. })));
        assert!(matches!(check_model(folder.path()), Err(SpeechError::Unreadable { .. })));
    }
}
