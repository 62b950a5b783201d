//! Where a service is reached: as the environment or the profile says, else by its region. The SDK has this
//! in each service's crate only.

use super::error::{AwsError, Kind};
use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

/// A service that is called without an SDK crate of its own.
#[derive(Debug)]
pub struct Service {
    /// The name in `AWS_ENDPOINT_URL_…` and in a profile's `services`, `Secrets Manager`.
    pub id: &'static str,
    /// The first part of its host name, and of its IAM actions.
    pub name: &'static str,
    /// The name in a signature; mostly the same.
    pub signed_as: &'static str,
    /// Whether the ordinary host of a `us-gov-` region is the FIPS one, too.
    pub plain_in_gov: bool,
}

/// What of the settings the host name depends on.
#[derive(Clone, Copy, Debug, Default)]
struct Variant {
    fips: bool,
    dual_stack: bool,
}

/// The URL that `service` is called at.
pub(super) fn find(service: &Service, config: &SdkConfig) -> Result<String, AwsError> {
    let key = ServiceConfigKey::builder()
        .service_id(service.id)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    let own = key
        .ok()
        .zip(config.service_config())
        .and_then(|(key, settings)| settings.load_config(key));
    if let Some(url) = own.or_else(|| config.endpoint_url().map(str::to_owned)) {
        return Ok(url);
    }
    let region = config.region().map(AsRef::as_ref).unwrap_or_default();
    let variant = Variant {
        fips: config.use_fips() == Some(true),
        dual_stack: config.use_dual_stack() == Some(true),
    };
    regional(service, region, variant).ok_or_else(|| {
        let detail = format!("{region:?} is not the name of a region");
        AwsError::new(Kind::Region, "region", "", detail)
    })
}

/// `None` if the region's name could lead to another host.
fn regional(service: &Service, region: &str, variant: Variant) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if region.is_empty() || !region.bytes().all(plain) {
        return None;
    }
    let (suffix, dual_stack) = suffixes(region);
    let suffix = if variant.dual_stack {
        dual_stack
    } else {
        suffix
    };
    let as_fips = service.plain_in_gov && region.starts_with("us-gov-");
    let fips = if variant.fips && !as_fips {
        "-fips"
    } else {
        ""
    };
    let name = service.name;
    Some(match name {
        "iam" => format!("https://{}", iam(region, fips, variant.dual_stack, suffix)),
        // Its plain host is where images are pulled from.
        "ecr" if !variant.dual_stack => format!("https://api.ecr{fips}.{region}.{suffix}"),
        _ => format!("https://{name}{fips}.{region}.{suffix}"),
    })
}

/// IAM has one host in each partition.
fn iam(region: &str, fips: &str, dual_stack: bool, suffix: &str) -> String {
    match home(region) {
        "us-east-1" if dual_stack => format!("iam{fips}.global.{suffix}"),
        "us-east-1" => format!("iam{fips}.{suffix}"),
        "us-gov-west-1" => format!("iam.us-gov.{suffix}"),
        "cn-north-1" if dual_stack => format!("iam.global.{suffix}"),
        _ if dual_stack => format!("iam.{suffix}"),
        home => format!("iam.{home}.{suffix}"),
    }
}

/// The region that a call is signed for.
pub(super) fn signing_region(service: &Service, region: &str) -> String {
    match service.name {
        "iam" => home(region).to_owned(),
        _ => region.to_owned(),
    }
}

/// Where a partition's global services are.
fn home(region: &str) -> &'static str {
    const HOMES: [(&str, &str); 7] = [
        ("cn-", "cn-north-1"),
        ("us-gov-", "us-gov-west-1"),
        ("us-iso-", "us-iso-east-1"),
        ("us-isob-", "us-isob-east-1"),
        ("us-isof-", "us-isof-south-1"),
        ("eu-isoe-", "eu-isoe-west-1"),
        ("eusc-", "eusc-de-east-1"),
    ];
    let of_region = |(prefix, _): &&(&str, &str)| region.starts_with(prefix);
    let found = HOMES.iter().find(of_region);
    found.map_or("us-east-1", |(_, home)| home)
}

/// The domain of a region's partition, and the one that has IPv6, too.
fn suffixes(region: &str) -> (&'static str, &'static str) {
    const PARTITIONS: [(&str, &str, &str); 6] = [
        ("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
        ("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
        ("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
        ("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
        ("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
        ("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
    ];
    let of_region = |(prefix, _, _): &&(&str, &str, &str)| region.starts_with(prefix);
    PARTITIONS
        .iter()
        .find(of_region)
        .map_or(("amazonaws.com", "api.aws"), |(_, suffix, dual_stack)| {
            (suffix, dual_stack)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn service(name: &'static str, plain_in_gov: bool) -> Service {
        Service {
            id: "",
            name,
            signed_as: name,
            plain_in_gov,
        }
    }

    const fn variant(fips: bool, dual_stack: bool) -> Variant {
        Variant { fips, dual_stack }
    }

    #[test]
    fn the_host_follows_from_region_and_variant() {
        let (ssm, secrets) = (service("ssm", true), service("secretsmanager", false));
        let table = [
            (
                &ssm,
                "eu-west-1",
                variant(false, false),
                "ssm.eu-west-1.amazonaws.com",
            ),
            (
                &ssm,
                "us-east-1",
                variant(true, false),
                "ssm-fips.us-east-1.amazonaws.com",
            ),
            (
                &ssm,
                "us-east-1",
                variant(false, true),
                "ssm.us-east-1.api.aws",
            ),
            (
                &ssm,
                "us-gov-west-1",
                variant(true, false),
                "ssm.us-gov-west-1.amazonaws.com",
            ),
            (
                &secrets,
                "us-gov-west-1",
                variant(true, true),
                "secretsmanager-fips.us-gov-west-1.api.aws",
            ),
            (
                &ssm,
                "cn-north-1",
                variant(false, false),
                "ssm.cn-north-1.amazonaws.com.cn",
            ),
            (
                &ssm,
                "cn-north-1",
                variant(false, true),
                "ssm.cn-north-1.api.amazonwebservices.com.cn",
            ),
            (
                &ssm,
                "us-isob-east-1",
                variant(false, false),
                "ssm.us-isob-east-1.sc2s.sgov.gov",
            ),
            (
                &ssm,
                "eusc-de-east-1",
                variant(false, false),
                "ssm.eusc-de-east-1.amazonaws.eu",
            ),
        ];
        for (service, region, variant, host) in table {
            let url = regional(service, region, variant);
            assert_eq!(url, Some(format!("https://{host}")), "{region} {variant:?}");
        }
    }

    #[test]
    fn ecr_and_iam_have_hosts_of_their_own() {
        let (ecr, iam) = (service("ecr", false), service("iam", true));
        let table = [
            (
                &ecr,
                "eu-west-1",
                variant(false, false),
                "api.ecr.eu-west-1.amazonaws.com",
            ),
            (
                &ecr,
                "us-gov-west-1",
                variant(true, false),
                "api.ecr-fips.us-gov-west-1.amazonaws.com",
            ),
            (
                &ecr,
                "eu-west-1",
                variant(false, true),
                "ecr.eu-west-1.api.aws",
            ),
            (
                &iam,
                "eu-west-1",
                variant(true, false),
                "iam-fips.amazonaws.com",
            ),
            (
                &iam,
                "eu-west-1",
                variant(false, true),
                "iam.global.api.aws",
            ),
            (
                &iam,
                "us-gov-east-1",
                variant(true, false),
                "iam.us-gov.amazonaws.com",
            ),
            (
                &iam,
                "cn-northwest-1",
                variant(false, false),
                "iam.cn-north-1.amazonaws.com.cn",
            ),
            (
                &iam,
                "us-iso-west-1",
                variant(false, false),
                "iam.us-iso-east-1.c2s.ic.gov",
            ),
        ];
        for (service, region, variant, host) in table {
            let url = regional(service, region, variant);
            assert_eq!(url, Some(format!("https://{host}")), "{region} {variant:?}");
        }
    }

    #[test]
    fn iam_is_signed_for_its_home() {
        let table = [
            ("iam", "eu-west-1", "us-east-1"),
            ("iam", "us-gov-east-1", "us-gov-west-1"),
            ("ecr", "eu-west-1", "eu-west-1"),
        ];
        for (name, region, signed) in table {
            assert_eq!(signing_region(&service(name, false), region), signed);
        }
    }

    #[test]
    fn a_region_cannot_name_another_host() {
        let ssm = service("ssm", true);
        for region in [
            "",
            "evil.example/",
            "eu west",
            "a@b",
            "EU-WEST-1",
            "x:1",
            "a#",
        ] {
            assert_eq!(regional(&ssm, region, Variant::default()), None, "{region}");
        }
    }
}
