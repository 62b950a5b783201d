//! A sops file of any format: its first byte says which, the rest is the file. Besides a key of nobody, the
//! vectors' own keys are tried, so that a corpus of vectors gets past the seal of the MAC.

#![no_main]

use entry::sops::{DataKey, File, Format, Identities, KeySource};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

const FORMATS: [Format; 4] = [Format::Yaml, Format::Json, Format::Dotenv, Format::Binary];

const VECTORS: [(&[u8], Format); 4] = [
    (include_bytes!("../../tests/vectors/sops/18_multidoc.enc.yaml"), Format::Yaml),
    (include_bytes!("../../tests/vectors/sops/16_encrypted_comment_regex.enc.yaml"), Format::Yaml),
    (include_bytes!("../../tests/vectors/sops/12_unencrypted_regex.enc.yaml"), Format::Yaml),
    (include_bytes!("../../tests/vectors/sops/08_age_dotenv.enc.env"), Format::Dotenv),
];

static KEYS: LazyLock<Vec<DataKey>> = LazyLock::new(|| {
    let mut identities = Identities::default();
    let text = include_str!("../../tests/vectors/sops/age_keys.txt");
    identities.add(text).expect("identities");
    let key = |(bytes, format): (&[u8], Format)| {
        let file = File::parse(bytes, format).expect("a vector");
        match &file.groups()[0].sources[0] {
            KeySource::Age(source) => identities.open(source).expect("its key"),
            KeySource::Kms(_) => panic!("age only"),
        }
    };
    VECTORS.map(key).to_vec()
});

fuzz_target!(|input: &[u8]| {
    let Some((first, bytes)) = input.split_first() else {
        return;
    };
    let format = FORMATS[usize::from(*first) % FORMATS.len()];
    if let Ok(file) = File::parse(bytes, format) {
        for key in KEYS.iter() {
            let _ = file.decrypt(key);
        }
        let _ = file.combine(&KEYS[..file.threshold().min(KEYS.len())]);
    }
});
