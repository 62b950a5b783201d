//! Names to addresses, in Rust and by the container's own files only: `/etc/hosts`, then the servers of
//! `/etc/resolv.conf`. glibc's resolver cannot be linked statically, and a public resolver must never be
//! asked for a name inside a VPC.

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use hickory_resolver::config::{LookupIpStrategy, ResolveHosts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::{Hosts, Resolver, TokioResolver, system_conf};
use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A lost packet is asked for again within the connect timeout.
const LONGEST_QUERY: Duration = Duration::from_secs(1);

/// What stands between a name and its addresses; said with the connection's error.
#[derive(Clone, Debug, thiserror::Error)]
enum DnsError {
    #[error("{path}: {reason}; names cannot be resolved without it", path = path.display())]
    Configuration { path: PathBuf, reason: String },
    #[error("{name}: not a host name: {reason}")]
    Name { name: String, reason: String },
    #[error("{name}: not resolved by the servers of {path}: {reason}", path = path.display())]
    Lookup {
        name: String,
        path: PathBuf,
        reason: String,
    },
}

/// Resolves names; clones share what was read and what was answered.
#[derive(Clone, Debug)]
pub(super) struct Dns(Arc<Files>);

struct Files {
    hosts_file: PathBuf,
    resolv_conf: PathBuf,
    hosts: OnceLock<Hosts>,
    servers: OnceLock<Result<TokioResolver, DnsError>>,
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dns")
    }
}

impl Dns {
    /// Reads the system's files when the first name needs them.
    pub fn system() -> Dns {
        Dns::of("/etc/hosts", "/etc/resolv.conf")
    }

    fn of(hosts_file: impl AsRef<Path>, resolv_conf: impl AsRef<Path>) -> Dns {
        Dns(Arc::new(Files {
            hosts_file: hosts_file.as_ref().into(),
            resolv_conf: resolv_conf.as_ref().into(),
            hosts: OnceLock::new(),
            servers: OnceLock::new(),
        }))
    }

    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, DnsError> {
        if let Some(addresses) = self.without_servers(name)? {
            return Ok(addresses);
        }
        let files = &self.0;
        let servers = files.servers.get_or_init(|| servers(&files.resolv_conf));
        let found = servers
            .as_ref()
            .map_err(Clone::clone)?
            .lookup_ip(name)
            .await;
        let found = found.map_err(|error| DnsError::Lookup {
            name: name.into(),
            path: files.resolv_conf.clone(),
            reason: error.to_string(),
        })?;
        Ok(found.iter().collect())
    }

    /// Addresses, `localhost` and the names of the hosts file.
    fn without_servers(&self, name: &str) -> Result<Option<Vec<IpAddr>>, DnsError> {
        if let Ok(address) = name.parse() {
            return Ok(Some(vec![address]));
        }
        let files = &self.0;
        let hosts = files.hosts.get_or_init(|| hosts(&files.hosts_file));
        let parsed = Name::from_utf8(name).map_err(|error| DnsError::Name {
            name: name.into(),
            reason: error.to_string(),
        })?;
        let mut addresses = Vec::new();
        for kind in [RecordType::A, RecordType::AAAA] {
            let found = hosts.lookup_static_host(&Query::query(parsed.clone(), kind));
            for record in found.iter().flat_map(Lookup::answers) {
                addresses.extend(record.data.ip_addr());
            }
        }
        let local = name.trim_end_matches('.').to_ascii_lowercase();
        if addresses.is_empty() && (local == "localhost" || local.ends_with(".localhost")) {
            addresses = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        }
        Ok((!addresses.is_empty()).then_some(addresses))
    }
}

/// An image without the file, or with one that cannot be read, has no names of its own.
fn hosts(path: &Path) -> Hosts {
    let mut hosts = Hosts::default();
    if let Ok(file) = File::open(path) {
        let _ = hosts.read_hosts_conf(file);
    }
    hosts
}

fn servers(path: &Path) -> Result<TokioResolver, DnsError> {
    let failed = |reason: String| DnsError::Configuration {
        path: path.into(),
        reason,
    };
    let content = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    let parsed = system_conf::parse_resolv_conf(content);
    let (config, mut options) = parsed.map_err(|error| failed(error.to_string()))?;
    options.timeout = options.timeout.min(LONGEST_QUERY);
    options.use_hosts_file = ResolveHosts::Never;
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    let mut builder = Resolver::builder_with_config(config, TokioRuntimeProvider::default());
    *builder.options_mut() = options;
    builder.build().map_err(|error| failed(error.to_string()))
}

impl ResolveDns for Dns {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move { self.resolve(name).await.map_err(ResolveDnsError::new) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(dns: &Dns, name: &str) -> Result<Vec<IpAddr>, String> {
        let runtime = super::super::runtime().unwrap();
        let found = runtime.block_on(dns.resolve(name));
        found.map_err(|error| error.to_string())
    }

    #[test]
    fn addresses_localhost_and_hosts_need_no_server() {
        let folder = tempfile::tempdir().unwrap();
        let hosts = folder.path().join("hosts");
        std::fs::write(&hosts, "10.0.0.7 kms.test alias\nfd00::7 kms.test\n").unwrap();
        let dns = Dns::of(&hosts, folder.path().join("none"));
        let table: [(&str, &[&str]); 5] = [
            ("127.0.0.9", &["127.0.0.9"]),
            ("::1", &["::1"]),
            ("localhost", &["127.0.0.1", "::1"]),
            ("s3.localhost.", &["127.0.0.1", "::1"]),
            ("KMS.test", &["10.0.0.7", "fd00::7"]),
        ];
        for (name, expected) in table {
            let expected: Vec<IpAddr> = expected.iter().map(|text| text.parse().unwrap()).collect();
            assert_eq!(resolve(&dns, name), Ok(expected), "{name}");
        }
    }

    #[test]
    fn without_a_usable_resolv_conf_it_says_so_and_asks_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("resolv.conf");
        let error = |dns: &Dns| resolve(dns, "kms.us-east-1.amazonaws.com").unwrap_err();
        let dns = Dns::of("/nowhere", &path);
        assert!(error(&dns).starts_with(&format!("{}: No such file", path.display())));
        std::fs::write(&path, "# nothing\n").unwrap();
        let dns = Dns::of("/nowhere", &path);
        let said = error(&dns);
        assert!(
            said.contains("no nameservers") && said.contains("resolv.conf"),
            "{said}"
        );
    }
}
