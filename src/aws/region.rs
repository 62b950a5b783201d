//! Which region: given, by variable, by the task's metadata, by the profile, in this order.

use super::dns::Dns;
use super::error::{AwsError, Kind};
use super::task::{self, METADATA_URI};
use super::web::variable;
use aws_config::Region;
use aws_config::meta::region::ProvideRegion;
use aws_config::profile::ProfileFileRegionProvider;

const VARIABLES: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// Finds the region, or says where it was looked for.
pub(super) async fn find(
    given: Option<&str>,
    profile: Option<&str>,
    dns: &Dns,
) -> Result<Region, AwsError> {
    let named = given.map(str::to_owned);
    let named = named.or_else(|| VARIABLES.into_iter().find_map(variable));
    if let Some(region) = named {
        return Ok(Region::new(region));
    }
    // A profile that was asked for knows better than the task's metadata.
    let of_task = match profile {
        None => task::region(dns).await,
        Some(_) => None,
    };
    let failure = match of_task {
        Some(Ok(region)) => return Ok(Region::new(region)),
        Some(Err(reason)) => format!("{METADATA_URI} failed ({reason})"),
        None => format!("{METADATA_URI} is not set"),
    };
    of_profile(profile).await.ok_or_else(|| {
        let [first, second] = VARIABLES;
        let detail = format!("{first} and {second} are not set, {failure}, and no profile has one");
        AwsError::new(Kind::Region, "region", "", detail)
    })
}

async fn of_profile(profile: Option<&str>) -> Option<Region> {
    let builder = ProfileFileRegionProvider::builder();
    let provider = match profile {
        Some(name) => builder.profile_name(name),
        None => builder,
    };
    provider.build().region().await
}
