//! A sops file of any format. Besides its own age keys those of the vectors are tried, so that a corpus of
//! vectors gets past the seal of the MAC.

use entry::sops::{DataKey, File, Format, Identities, KeySource};
use std::sync::LazyLock;

const FORMATS: [Format; 4] = [Format::Yaml, Format::Json, Format::Dotenv, Format::Binary];

const VECTORS: [(&[u8], Format); 4] = [
    (
        include_bytes!("../../tests/vectors/sops/18_multidoc.enc.yaml"),
        Format::Yaml,
    ),
    (
        include_bytes!("../../tests/vectors/sops/16_encrypted_comment_regex.enc.yaml"),
        Format::Yaml,
    ),
    (
        include_bytes!("../../tests/vectors/sops/12_unencrypted_regex.enc.yaml"),
        Format::Yaml,
    ),
    (
        include_bytes!("../../tests/vectors/sops/08_age_dotenv.enc.env"),
        Format::Dotenv,
    ),
];

static IDENTITIES: LazyLock<Identities> = LazyLock::new(|| {
    let mut identities = Identities::default();
    let text = include_str!("../../tests/vectors/sops/age_keys.txt");
    identities.add(text).expect("identities");
    identities
});

static KEYS: LazyLock<Vec<DataKey>> = LazyLock::new(|| {
    let key = |(bytes, format)| {
        let file = File::parse(bytes, format).expect("a vector");
        age_key(&file).expect("its key")
    };
    VECTORS.map(key).to_vec()
});

fn age_key(file: &File) -> Option<DataKey> {
    let sources = file.groups().iter().flat_map(|group| &group.sources);
    let mut age = sources.filter_map(|source| {
        let KeySource::Age(source) = source else {
            return None;
        };
        Some(source)
    });
    IDENTITIES.open(age.next()?).ok()
}

/// The first byte says which format, the rest is the file.
pub fn sops(input: &[u8]) {
    let Some((first, bytes)) = input.split_first() else {
        return;
    };
    let format = FORMATS[usize::from(*first) % FORMATS.len()];
    let Ok(file) = File::parse(bytes, format) else {
        return;
    };
    for key in age_key(&file).iter().chain(KEYS.iter()) {
        let _ = file.decrypt(key);
    }
    let _ = file.combine(&KEYS[..file.threshold().min(KEYS.len())]);
}
