//! A sops file's data key: by age where an identity fits, else by AWS KMS with one call for each group.

use crate::aws::{AwsError, Clients, Settings, Wrapped};
use crate::sops::{DataKey, File, Group, Identities, KeySource, KmsSource, SopsError};
use std::cell::RefCell;
use std::ffi::OsString;
use std::future::Future;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;
use zeroize::Zeroizing;

/// Identities themselves.
pub const AGE_KEY: &str = "SOPS_AGE_KEY";
/// A file of them.
pub const AGE_KEY_FILE: &str = "SOPS_AGE_KEY_FILE";
/// Below the user's configuration.
const KEY_FILE: &str = "sops/age/keys.txt";

/// Why there is no data key, or no identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A file or variable with identities.
    #[error("cannot read age identities from {origin}: {problem}")]
    Identities { origin: String, problem: String },
    /// Each source that was tried, with its reason.
    #[error("its data key cannot be had: {}", .0.join("; "))]
    None(Vec<String>),
    /// The parts do not fit.
    #[error(transparent)]
    Parts(#[from] SopsError),
}

/// All age identities that sops would find: `SOPS_AGE_KEY`, `SOPS_AGE_KEY_FILE` and the user's key file.
pub fn identities(lookup: &dyn Fn(&str) -> Option<OsString>) -> Result<Identities, KeyError> {
    let given = |name: &str| lookup(name).filter(|value| !value.is_empty());
    let mut identities = Identities::default();
    let mut add = |origin: String, text: &str| {
        let added = identities.add(text);
        added.map_err(|error| failed(origin, &error.to_string()))
    };
    if let Some(text) = given(AGE_KEY) {
        let text = text.into_string().map(Zeroizing::new);
        let text = text.map_err(|_| failed(AGE_KEY.to_owned(), "it is not UTF-8"))?;
        add(AGE_KEY.to_owned(), &text)?;
    }
    let named = given(AGE_KEY_FILE).map(PathBuf::from);
    let own = given("XDG_CONFIG_HOME").map(PathBuf::from);
    let own = own.or_else(|| Some(PathBuf::from(given("HOME")?).join(".config")));
    let own = own.map(|folder| folder.join(KEY_FILE));
    for (path, needed) in [(named, true), (own, false)] {
        let Some(path) = path else { continue };
        let origin = path.display().to_string();
        match std::fs::read_to_string(&path).map(Zeroizing::new) {
            Ok(text) => add(origin, &text)?,
            Err(error) if !needed && is_absent(error.kind()) => {}
            Err(error) => return Err(failed(origin, &error.to_string())),
        }
    }
    Ok(identities)
}

/// Another user's home is as good as none: nobody asked for that file.
fn is_absent(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::PermissionDenied
    )
}

fn failed(origin: String, problem: &str) -> KeyError {
    KeyError::Identities {
        origin,
        problem: problem.to_owned(),
    }
}

/// Decrypts what a file has encrypted with KMS.
pub trait KeyService {
    fn unwrap(
        &self,
        source: &KmsSource,
        deadline: Instant,
    ) -> impl Future<Output = Result<DataKey, AwsError>>;
}

/// AWS KMS. Clients are made when they are needed first, one for each profile that a file names.
#[derive(Default)]
pub struct AwsKeys {
    loaded: RefCell<Vec<(Option<String>, Rc<Clients>)>>,
}

impl AwsKeys {
    /// With clients that are there already, for files that name no profile.
    pub fn with(clients: Rc<Clients>) -> AwsKeys {
        AwsKeys {
            loaded: RefCell::new(vec![(None, clients)]),
        }
    }

    async fn clients(
        &self,
        source: &KmsSource,
        deadline: Instant,
    ) -> Result<Rc<Clients>, AwsError> {
        let known = |(profile, clients): &(Option<String>, Rc<Clients>)| {
            (*profile == source.profile).then(|| clients.clone())
        };
        if let Some(clients) = self.loaded.borrow().iter().find_map(known) {
            return Ok(clients);
        }
        let settings = Settings {
            region: Some(source.region.clone()),
            profile: source.profile.clone(),
            keys: None,
        };
        let clients = Rc::new(Clients::load(&settings, deadline).await?);
        self.loaded
            .borrow_mut()
            .push((source.profile.clone(), clients.clone()));
        Ok(clients)
    }
}

impl KeyService for AwsKeys {
    async fn unwrap(&self, source: &KmsSource, deadline: Instant) -> Result<DataKey, AwsError> {
        let wrapped = Wrapped {
            key: &source.arn,
            region: &source.region,
            role: source.role.as_deref(),
            context: &source.context,
            ciphertext: &source.ciphertext,
        };
        let clients = self.clients(source, deadline).await?;
        clients.decrypt_under(&wrapped, deadline).await
    }
}

/// The data key of a file: no more is asked of `service` than is needed.
pub async fn data_key(
    file: &File,
    identities: &Identities,
    service: &impl KeyService,
    deadline: Instant,
) -> Result<DataKey, KeyError> {
    let mut tried = Vec::new();
    let by_age = |group| open_by_age(group, identities, &mut tried);
    let mut parts: Vec<Option<DataKey>> = file.groups().iter().map(by_age).collect();
    let mut have = parts.iter().flatten().count();
    for (group, part) in file.groups().iter().zip(&mut parts) {
        if have >= file.threshold() {
            break;
        }
        if part.is_none() {
            *part = open_by_kms(group, service, deadline, &mut tried).await;
            have += usize::from(part.is_some());
        }
    }
    if have < file.threshold() {
        let unsupported = file.groups().iter().flat_map(|group| &group.unsupported);
        tried.extend(unsupported.map(|kind| format!("{kind}: not supported here")));
        return Err(KeyError::None(tried));
    }
    let parts: Vec<DataKey> = parts.into_iter().flatten().take(file.threshold()).collect();
    Ok(file.combine(&parts)?)
}

fn open_by_age(group: &Group, identities: &Identities, tried: &mut Vec<String>) -> Option<DataKey> {
    let sources = group.sources.iter().filter_map(|source| match source {
        KeySource::Age(source) => Some(source),
        KeySource::Kms(_) => None,
    });
    for source in sources {
        match identities.open(source) {
            Ok(part) => return Some(part),
            Err(error) => tried.push(format!("age {}: {error}", source.recipient)),
        }
    }
    None
}

async fn open_by_kms(
    group: &Group,
    service: &impl KeyService,
    deadline: Instant,
    tried: &mut Vec<String>,
) -> Option<DataKey> {
    for source in &group.sources {
        let KeySource::Kms(source) = source else {
            continue;
        };
        match service.unwrap(source, deadline).await {
            Ok(part) => return Some(part),
            Err(error) => tried.push(explained(source, &error)),
        }
    }
    None
}

/// A profile that the file names is missing on most machines but its author's.
fn explained(source: &KmsSource, error: &AwsError) -> String {
    match &source.profile {
        Some(profile) => format!("{error} (with the profile {profile}, which the file names)"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::Kind;
    use crate::sops::Format;
    use std::time::Duration;

    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/sops");

    fn file(name: &str) -> File {
        let path = std::path::Path::new(FOLDER).join(name);
        File::parse(&std::fs::read(&path).unwrap(), Format::of(&path).unwrap()).unwrap()
    }

    /// Denies everything, or gives what is no key of the file.
    #[derive(Default)]
    struct Fake {
        gives: bool,
        asked: RefCell<Vec<String>>,
    }

    impl KeyService for Fake {
        async fn unwrap(&self, source: &KmsSource, _: Instant) -> Result<DataKey, AwsError> {
            self.asked.borrow_mut().push(source.arn.clone());
            if self.gives {
                return Ok(Zeroizing::new(vec![1; 32]));
            }
            Err(AwsError {
                kind: Kind::Denied,
                action: "kms:Decrypt".into(),
                resource: source.arn.clone(),
                detail: String::new(),
            })
        }
    }

    fn run(file: &File, identities: &Identities, service: &Fake) -> Result<DataKey, KeyError> {
        let deadline = Instant::now() + Duration::from_secs(5);
        let runtime = crate::aws::runtime().unwrap();
        runtime.block_on(data_key(file, identities, service, deadline))
    }

    fn known() -> Identities {
        let file = OsString::from(format!("{FOLDER}/age_keys.txt"));
        identities(&|name| (name == AGE_KEY_FILE).then(|| file.clone())).unwrap()
    }

    #[test]
    fn age_comes_first_and_asks_nobody() {
        let service = Fake::default();
        let key = run(&file("10_kms_and_age.enc.yaml"), &known(), &service).unwrap();
        assert_eq!(key.len(), 32);
        assert!(service.asked.borrow().is_empty());
    }

    #[test]
    fn one_call_a_file_and_the_next_key_after_a_failure() {
        let file = file("10_kms_and_age.enc.yaml");
        let service = Fake {
            gives: true,
            ..Fake::default()
        };
        assert_eq!(
            run(&file, &Identities::default(), &service).unwrap().len(),
            32
        );
        assert_eq!(service.asked.borrow().len(), 1);
        let service = Fake::default();
        let error = run(&file, &Identities::default(), &service)
            .unwrap_err()
            .to_string();
        assert_eq!(service.asked.borrow().len(), 2);
        for part in [
            "its data key cannot be had: age age1dh8zaxc2qfm0sdu4x0kltnc5ntt4neruxcasudh7mffj88c9g4hsszthrz: there is \
             no age identity: set SOPS_AGE_KEY or SOPS_AGE_KEY_FILE; kms:Decrypt arn:aws:kms:us-east-1:123456789012:key/1111",
            "key/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee: access denied",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn each_group_gives_a_part() {
        let file = file("20_shamir_2of2.enc.json");
        let service = Fake {
            gives: true,
            ..Fake::default()
        };
        // A part of the wrong length is no part.
        assert!(matches!(
            run(&file, &known(), &service),
            Err(KeyError::Parts(_))
        ));
        assert_eq!(service.asked.borrow().len(), 1);
        assert!(matches!(
            run(&file, &known(), &Fake::default()),
            Err(KeyError::None(_))
        ));
    }

    #[test]
    fn identities_are_found_where_sops_finds_them() {
        let folder = tempfile::tempdir().unwrap();
        let secret = "AGE-SECRET-KEY-19T8EESWG6846ZEWQDVZK2ZR5F94TDN7FUXYWXYY8UC0K2W4DN8NQKS72XY";
        std::fs::create_dir_all(folder.path().join(".config/sops/age")).unwrap();
        std::fs::write(folder.path().join(".config/sops/age/keys.txt"), secret).unwrap();
        let home = folder.path().to_owned();
        let with = |set: &[(&str, &str)]| {
            let set: Vec<(String, OsString)> = set
                .iter()
                .map(|(name, value)| ((*name).into(), value.into()))
                .collect();
            identities(&move |name| {
                set.iter()
                    .find(|(known, _)| known == name)
                    .map(|(_, value)| value.clone())
            })
        };
        let path = |end: &str| home.join(end).to_str().unwrap().to_owned();
        assert!(with(&[]).unwrap().is_empty());
        for set in [
            [(AGE_KEY, secret)],
            [(AGE_KEY_FILE, &path(".config/sops/age/keys.txt"))],
            [("HOME", &path(""))],
            [("XDG_CONFIG_HOME", &path(".config"))],
        ] {
            assert!(!with(&set).unwrap().is_empty(), "{}", set[0].0);
        }
        assert!(
            with(&[("HOME", "/nowhere"), (AGE_KEY, "")])
                .unwrap()
                .is_empty()
        );
        let missing = with(&[(AGE_KEY_FILE, "/nowhere/keys.txt")])
            .unwrap_err()
            .to_string();
        assert!(
            missing.starts_with("cannot read age identities from /nowhere/keys.txt: No such file"),
            "{missing}"
        );
        let bad = with(&[(AGE_KEY, "\ncanary")]).unwrap_err().to_string();
        assert_eq!(
            bad,
            "cannot read age identities from SOPS_AGE_KEY: line 2 is no age identity: they begin with AGE-SECRET-KEY-1"
        );
    }
}
