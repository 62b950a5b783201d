//! What the member `sops` says: where the data key is, what is encrypted, and the MAC.

use super::error::SopsError;
use super::keys::{AgeSource, Group, KeySource, KmsSource};
use super::raw::Raw;
use super::rule::Rule;
use super::time::Time;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;

/// Kinds of keys that a group may have and that cannot be used here.
const UNSUPPORTED: [&str; 6] = ["pgp", "gcp_kms", "hckms", "azure_kv", "hc_vault", "acs_kms"];

type Map = BTreeMap<String, Raw>;

/// The metadata, checked.
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    pub groups: Vec<Group>,
    /// How many groups' parts make the data key.
    pub threshold: usize,
    pub rule: Rule,
    pub mac: String,
    /// What binds the MAC: the time of the last change.
    pub last_modified: String,
    pub mac_only_encrypted: bool,
}

impl Metadata {
    pub fn read(raw: &Raw) -> Result<Metadata, SopsError> {
        let Raw::Map(members) = raw else {
            return Err(problem("top", "it is not a mapping"));
        };
        let groups = groups(members)?;
        let threshold = match members.get("shamir_threshold").and_then(Raw::text) {
            None | Some("0") => groups.len(),
            Some(_) if groups.len() == 1 => 1,
            Some(text) => {
                let known = text.parse().ok().filter(|n| (1..=groups.len()).contains(n));
                known.ok_or_else(|| {
                    problem("shamir_threshold", "it is not a number of its key groups")
                })?
            }
        };
        check_support(&groups, threshold)?;
        Ok(Metadata {
            threshold,
            groups,
            rule: Rule::read(members)?,
            mac: required(members, "", "mac")?.to_owned(),
            last_modified: last_modified(members)?,
            mac_only_encrypted: flag(members, "mac_only_encrypted")?,
        })
    }
}

pub(super) fn problem(member: &str, problem: &str) -> SopsError {
    SopsError::Metadata {
        member: member.to_owned(),
        problem: problem.to_owned(),
    }
}

/// A text that is there and not empty.
pub(super) fn given<'a>(members: &'a Map, name: &str) -> Option<&'a str> {
    members
        .get(name)
        .and_then(Raw::text)
        .filter(|text| !text.is_empty())
}

fn required<'a>(members: &'a Map, at: &str, name: &str) -> Result<&'a str, SopsError> {
    given(members, name).ok_or_else(|| problem(&format!("{at}{name}"), "it is missing"))
}

fn flag(members: &Map, name: &str) -> Result<bool, SopsError> {
    match given(members, name) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(problem(name, "it is neither true nor false")),
    }
}

fn last_modified(members: &Map) -> Result<String, SopsError> {
    let text = required(members, "", "lastmodified")?;
    let time = Time::parse(text).filter(|_| text.contains('T'));
    let time =
        time.ok_or_else(|| problem("lastmodified", "it is not a time as 2020-01-02T03:04:05Z"))?;
    Ok(time.to_seconds().to_string())
}

/// A list's members by name; nothing, null and an empty list are the same.
fn list<'a>(members: &'a Map, at: &str, name: &str) -> Result<Vec<&'a Map>, SopsError> {
    let wrong = || problem(&format!("{at}{name}"), "it is not a list of mappings");
    match members.get(name) {
        None | Some(Raw::Null) => Ok(Vec::new()),
        Some(Raw::Text(text)) if text.is_empty() => Ok(Vec::new()),
        Some(Raw::List(items)) => items
            .iter()
            .map(|item| match item {
                Raw::Map(members) => Ok(members),
                _ => Err(wrong()),
            })
            .collect(),
        Some(_) => Err(wrong()),
    }
}

/// Keys at the top count before groups.
fn groups(members: &Map) -> Result<Vec<Group>, SopsError> {
    let top = group(members, "")?;
    if !top.sources.is_empty() || !top.unsupported.is_empty() {
        return Ok(vec![top]);
    }
    let groups: Vec<Group> = list(members, "", "key_groups")?
        .into_iter()
        .enumerate()
        .map(|(n, members)| group(members, &format!("key_groups[{n}].")))
        .collect::<Result<_, _>>()?;
    // A part's number is one byte, and zero is none.
    if groups.is_empty() || groups.len() > 255 {
        return Err(problem(
            "kms, age and key_groups",
            "there is no key in them",
        ));
    }
    Ok(groups)
}

fn group(members: &Map, at: &str) -> Result<Group, SopsError> {
    let mut group = Group::default();
    // sops tries age first too: it needs no network.
    for (n, members) in list(members, at, "age")?.into_iter().enumerate() {
        let at = format!("{at}age[{n}].");
        group.sources.push(KeySource::Age(AgeSource {
            recipient: given(members, "recipient").unwrap_or_default().to_owned(),
            armored: required(members, &at, "enc")?.to_owned(),
        }));
    }
    for (n, members) in list(members, at, "kms")?.into_iter().enumerate() {
        let at = format!("{at}kms[{n}].");
        group.sources.push(KeySource::Kms(kms(members, &at)?));
    }
    for kind in UNSUPPORTED {
        let any = match members.get(kind) {
            Some(Raw::List(items)) => !items.is_empty(),
            Some(Raw::Map(members)) => !members.is_empty(),
            _ => false,
        };
        if any {
            group.unsupported.push(kind);
        }
    }
    Ok(group)
}

fn kms(members: &Map, at: &str) -> Result<KmsSource, SopsError> {
    let arn = required(members, at, "arn")?;
    let wrong = |name: &str, what: &str| problem(&format!("{at}{name}"), what);
    let not_arn = || wrong("arn", "it is not the ARN of a KMS key or alias");
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let region = match parts.as_slice() {
        ["arn", partition, "kms", region, _, resource]
            if partition.starts_with("aws")
                && is_region(region)
                && (resource.starts_with("key/") || resource.starts_with("alias/")) =>
        {
            (*region).to_owned()
        }
        _ => return Err(not_arn()),
    };
    let context = match members.get("context") {
        None | Some(Raw::Null) => Vec::new(),
        Some(Raw::Text(text)) if text.is_empty() => Vec::new(),
        Some(Raw::Map(pairs)) => pairs
            .iter()
            .map(|(key, value)| Some((key.clone(), value.text()?.to_owned())))
            .collect::<Option<_>>()
            .ok_or_else(|| wrong("context", "its values are not all texts"))?,
        Some(_) => return Err(wrong("context", "it is not a mapping")),
    };
    let ciphertext = STANDARD.decode(required(members, at, "enc")?);
    Ok(KmsSource {
        arn: arn.to_owned(),
        region,
        role: given(members, "role").map(str::to_owned),
        profile: given(members, "aws_profile").map(str::to_owned),
        context,
        ciphertext: ciphertext.map_err(|_| wrong("enc", "it is not base64"))?,
    })
}

/// A region becomes a part of a host's name.
fn is_region(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty() && text.len() < 40 && text.bytes().all(plain)
}

fn check_support(groups: &[Group], threshold: usize) -> Result<(), SopsError> {
    let usable = groups.iter().filter(|group| !group.sources.is_empty());
    if usable.count() >= threshold {
        return Ok(());
    }
    let mut kinds: Vec<&str> = groups
        .iter()
        .flat_map(|group| group.unsupported.iter().copied())
        .collect();
    kinds.dedup();
    if kinds.is_empty() {
        return Err(problem("key_groups", "too few of its groups have a key"));
    }
    Err(SopsError::UnsupportedKeys(kinds.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const ARN: &str = "arn:aws:kms:eu-central-1:123456789012:key/1";

    fn read(change: Value) -> Result<Metadata, SopsError> {
        let mut whole = json!({
            "kms": [{"arn": ARN, "enc": "AAAA"}], "mac": "m", "lastmodified": "2020-01-02T03:04:05Z",
        });
        let (Value::Object(change), Value::Object(members)) = (change, &mut whole) else {
            panic!()
        };
        members.extend(change);
        Metadata::read(&Raw::from_json(whole))
    }

    #[test]
    fn what_is_there_is_read() {
        let age = json!({"recipient": "age1x", "enc": "armor", "other": 1});
        let kms = json!({"arn": ARN, "enc": "AQI=", "context": {"b": "2", "a": "1"}, "aws_profile": "p",
            "role": "arn:aws:iam::1:role/x", "created_at": "x"});
        let read = read(
            json!({"kms": [kms], "age": [age], "pgp": [], "hc_vault": null, "gcp_kms": [{"a": "b"}],
            "mac_only_encrypted": true, "shamir_threshold": 3, "unknown": [1],
            "lastmodified": "2020-01-02T03:04:05.5+00:00"}),
        )
        .unwrap();
        assert_eq!((read.threshold, read.mac_only_encrypted), (1, true));
        assert_eq!(read.last_modified, "2020-01-02T03:04:05Z");
        let [group] = &read.groups[..] else { panic!() };
        assert_eq!(group.unsupported, ["gcp_kms"]);
        let [KeySource::Age(age), KeySource::Kms(kms)] = &group.sources[..] else {
            panic!()
        };
        assert_eq!((&*age.recipient, &*age.armored), ("age1x", "armor"));
        assert_eq!(
            (&*kms.region, kms.profile.as_deref()),
            ("eu-central-1", Some("p"))
        );
        assert_eq!(kms.role.as_deref(), Some("arn:aws:iam::1:role/x"));
        assert_eq!(
            kms.context,
            [("a".into(), "1".into()), ("b".into(), "2".into())]
        );
        assert_eq!(kms.ciphertext, [1, 2]);
    }

    #[test]
    fn groups_count_only_without_keys_at_the_top() {
        let groups =
            json!([{"age": [{"enc": "x"}]}, {"kms": [{"arn": ARN, "enc": "AA=="}]}, {"pgp": [{}]}]);
        assert_eq!(read(json!({"key_groups": groups})).unwrap().groups.len(), 1);
        let of = |threshold: Value| {
            read(json!({"kms": [], "key_groups": groups, "shamir_threshold": threshold}))
        };
        assert_eq!(of(json!(2)).unwrap().threshold, 2);
        // All three are needed by default, and one is of pgp.
        let lacking = SopsError::UnsupportedKeys("pgp".into());
        assert_eq!(of(json!(0)).unwrap_err(), lacking);
        assert_eq!(of(json!(3)).unwrap_err(), lacking);
        for wrong in [json!(4), json!(-1), json!("x"), json!(2.5)] {
            assert!(
                matches!(of(wrong), Err(SopsError::Metadata { member, .. }) if member == "shamir_threshold")
            );
        }
        let one = read(json!({"kms": null, "key_groups": [{"age": [{"enc": "x"}]}]})).unwrap();
        assert_eq!((one.groups.len(), one.threshold), (1, 1));
    }

    #[test]
    fn each_error_names_its_member() {
        let kms = |change: Value| {
            let mut whole = json!({"arn": ARN, "enc": "AA=="});
            let (Value::Object(change), Value::Object(members)) = (change, &mut whole) else {
                panic!()
            };
            members.extend(change);
            json!({"kms": [whole]})
        };
        for (change, member) in [
            (json!({"mac": null}), "mac"),
            (json!({"mac": ""}), "mac"),
            (json!({"lastmodified": "yesterday"}), "lastmodified"),
            (json!({"lastmodified": "2020-01-02"}), "lastmodified"),
            (json!({"mac_only_encrypted": "maybe"}), "mac_only_encrypted"),
            (json!({"kms": "x"}), "kms"),
            (json!({"kms": ["x"]}), "kms"),
            (
                json!({"kms": [], "key_groups": []}),
                "kms, age and key_groups",
            ),
            (json!({"kms": [], "key_groups": [{}, {}]}), "key_groups"),
            (json!({"age": [{"recipient": "age1"}]}), "age[0].enc"),
            (kms(json!({"arn": null})), "kms[0].arn"),
            (kms(json!({"arn": "arn:aws:kms::1:key/1"})), "kms[0].arn"),
            (
                kms(json!({"arn": "arn:aws:kms:evil.com/:1:key/1"})),
                "kms[0].arn",
            ),
            (
                kms(json!({"arn": "arn:aws:s3:us-east-1:1:key/1"})),
                "kms[0].arn",
            ),
            (kms(json!({"enc": "?"})), "kms[0].enc"),
            (kms(json!({"context": ["x"]})), "kms[0].context"),
            (kms(json!({"context": {"a": {}}})), "kms[0].context"),
        ] {
            let Err(SopsError::Metadata { member: named, .. }) = read(change.clone()) else {
                panic!("{change}");
            };
            assert_eq!(named, member, "{change}");
        }
        assert!(Metadata::read(&Raw::Null).is_err());
    }
}
