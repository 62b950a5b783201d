//! `entry --explain MODE`: what would happen, in order, with the stop as a timeline. No secret value.

use super::Failure;
use super::plans::{group, supervision};
use crate::config::{
    BeforeHook, Cryptor, Export, FetchedFile, HealthCheck, Mode, Origin, ParameterSet, Passphrase,
    Process, S3Origin, SecretItem, SecretSource, Sign, SopsFile, Template, Variable, VaultFile,
    Write,
};
use crate::render;
use crate::stop::{Plan, StopTimeout, Target};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// The text for standard output.
pub fn explain(
    mode: &Mode,
    arguments: &[OsString],
    cap: Option<StopTimeout>,
) -> Result<String, Failure> {
    let supervision = supervision(mode, cap)?;
    let (defaults, own): (Vec<_>, Vec<_>) = mode.env.iter().partition(|one| one.is_default);
    let mut steps: Vec<String> = defaults.iter().map(|one| default(mode, one)).collect();
    steps.extend(mode.secrets.iter().map(describe_secret));
    steps.extend(mode.files.iter().map(describe_file));
    steps.extend(own.into_iter().map(set));
    steps.extend(mode.render.iter().map(|one| describe_template(mode, one)));
    if let Some(workdir) = &mode.workdir {
        steps.push(format!("change to {}", workdir.display()));
    }
    if mode.user.is_some() || mode.group.is_some() {
        let own = "the container's user".to_owned();
        let group = mode
            .group
            .as_ref()
            .map(|group| format!(", group {group}"))
            .unwrap_or_default();
        steps.push(format!(
            "become {}{group}",
            mode.user.as_ref().unwrap_or(&own)
        ));
    }
    if let Some(umask) = mode.umask {
        steps.push(format!("set the umask to {umask:04o}"));
    }
    if mode.no_new_privs {
        steps.push("forbid new privileges".to_owned());
    }
    if mode.protect {
        steps.push("ask ECS not to end the task while it works".to_owned());
    }
    steps.extend(mode.before.iter().map(describe_before));
    if mode.processes.is_empty() {
        let terminal = if supervision.app_has_terminal {
            "the app"
        } else {
            "entry"
        };
        steps.push(format!(
            "run {} (a terminal belongs to {terminal})",
            command(mode, arguments)
        ));
    }
    steps.extend(mode.processes.iter().map(|one| describe_process(mode, one)));
    if let Some(limit) = mode.max_runtime {
        let limit = humantime::format_duration(limit);
        steps.push(format!("after {limit} at most: stop it, exit 124"));
    }
    steps.extend(mode.after.iter().map(|hook| {
        let limit = humantime::format_duration(hook.timeout);
        format!("at the end, run {}, {limit} at most", hook.command.written)
    }));
    let mut out = format!("mode {}\n", mode.name);
    for (index, step) in steps.iter().enumerate() {
        let _ = writeln!(out, "{:>3}. {step}", index + 1);
    }
    if mode.processes.is_empty() {
        let _ = write!(out, "\nstop {}", timeline(&supervision.plan));
    } else {
        let group = group(mode, cap)?;
        let _ = writeln!(
            out,
            "\nstop of all in reverse order, {:.1} s at most",
            group.total.as_secs_f64()
        );
        for one in &group.members {
            let _ = write!(out, "stop of {} {}", one.name, timeline(&one.plan));
        }
    }
    if let Some(health) = &mode.health {
        let asked: Vec<String> = health.checks.iter().map(describe_check).collect();
        let limit = humantime::format_duration(health.timeout);
        let _ = writeln!(out, "healthy while {}, within {limit}", asked.join(" and "));
    }
    for (from, to) in &mode.exit {
        let _ = writeln!(out, "exit code {from} of the app becomes {to}");
    }
    Ok(out)
}

fn describe_before(hook: &BeforeHook) -> String {
    let mut text = format!("run {} to its end", hook.command.written);
    if let Some(user) = &hook.user {
        let _ = write!(text, " as {user}");
    }
    if let Some(timeout) = hook.timeout {
        let _ = write!(text, ", {} at most", humantime::format_duration(timeout));
    }
    if hook.retry > 0 {
        let wait = humantime::format_duration(hook.wait);
        let _ = write!(text, ", up to {} times more, {wait} apart", hook.retry);
    }
    text
}

fn describe_check(check: &HealthCheck) -> String {
    match check {
        HealthCheck::Tcp(address) => format!("{address} accepts connections"),
        HealthCheck::Http(page) => format!("{page} answers"),
        HealthCheck::Heartbeat { path, max_age } => {
            let age = humantime::format_duration(*max_age);
            format!("{} was changed {age} ago at most", path.display())
        }
    }
}

fn describe_process(mode: &Mode, process: &Process) -> String {
    let mut text = format!("start {}: {}", process.name, process.command.written);
    let before: Vec<&str> = process
        .after
        .iter()
        .filter_map(|&place| mode.processes.get(place))
        .map(|one| one.name.as_str())
        .collect();
    if !before.is_empty() {
        let verb = if before.len() == 1 { "is" } else { "are" };
        let _ = write!(text, ", once {} {verb} ready", before.join(" and "));
    }
    if let Some(ready) = &process.ready {
        let sign = match &ready.sign {
            Sign::Tcp(address) => format!("{address} accepts connections"),
            Sign::Http(page) => format!("{page} answers"),
            Sign::File(path) => format!("{} is there", path.display()),
            Sign::Line(line) => format!("a line holds {line:?}"),
        };
        let limit = humantime::format_duration(ready.timeout);
        let _ = write!(text, "; ready when {sign}, within {limit}");
    }
    match (process.restart, process.optional) {
        (Some(restart), _) => {
            let delay = humantime::format_duration(restart.delay);
            let most = humantime::format_duration(restart.max_delay);
            let _ = write!(text, "; started again after {delay} up to {most}");
        }
        (None, true) => text += "; its end ends nothing else",
        (None, false) => {}
    }
    text
}

/// The command as it stands in the file: what a variable fills in may be a secret.
fn command(mode: &Mode, arguments: &[OsString]) -> String {
    let arguments = shell_words::join(arguments.iter().map(|word| word.to_string_lossy()));
    [mode.written.as_str(), &arguments]
        .iter()
        .filter(|part| !part.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join(" ")
}

fn set(one: &Variable) -> String {
    format!("set {}, by {}", one.name, one.declared_at)
}

/// A variable of the defaults, and the secret that is known to lie above it.
fn default(mode: &Mode, one: &Variable) -> String {
    let names = |secret: &&SecretItem| {
        secret
            .env
            .iter()
            .any(|export| matches!(export, Export::One { name, .. } if *name == one.name))
    };
    match mode.secrets.iter().rfind(names) {
        Some(secret) => format!("{}, replaced by {}", set(one), secret.declared_at),
        None => set(one),
    }
}

fn describe_secret(secret: &SecretItem) -> String {
    let mut text = match &secret.source {
        SecretSource::Vault(VaultFile {
            path,
            cryptor,
            keys,
            ..
        }) => {
            let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
            let with = match cryptor {
                Cryptor::AwsKms { key_id: None } => "AWS KMS".to_owned(),
                Cryptor::AwsKms { key_id: Some(key) } => format!("AWS KMS, key {key}"),
                Cryptor::GcpKms { resource_id, .. } => format!("Google's KMS, key {resource_id}"),
                Cryptor::Simple { passphrase, .. } => match passphrase {
                    Passphrase::Variable(name) => format!("${name}"),
                    Passphrase::File(path) => path.display().to_string(),
                },
            };
            format!(
                "decrypt {} of {} with {with}",
                keys.join(", "),
                path.display()
            )
        }
        SecretSource::Sops(SopsFile { path, .. }) => {
            format!("decrypt {} as sops does", path.display())
        }
        SecretSource::Ssm(ParameterSet::Below { path, recursive }) => {
            let depth = if *recursive { "all" } else { "those directly" };
            format!("read parameters of SSM: {depth} below {path}")
        }
        SecretSource::Ssm(ParameterSet::Named(names)) => {
            format!("read parameters of SSM: {}", names.join(", "))
        }
        SecretSource::SecretsManager(secret) => {
            let version = secret.version_id.as_ref().or(secret.stage.as_ref());
            let version = version
                .map(|version| format!(" ({version})"))
                .unwrap_or_default();
            format!("read {}{version} of Secrets Manager", secret.id)
        }
    };
    if let Some(write) = &secret.write {
        let _ = write!(
            text,
            ", write {} (mode {:04o})",
            write.path.display(),
            write.mode
        );
    }
    for export in &secret.env {
        let _ = match export {
            Export::One { name, path } => write!(text, ", set {name} from {path}"),
            Export::Subtree { prefix, path } => write!(text, ", set {prefix}* from {path}"),
        };
    }
    text
}

fn describe_file(file: &FetchedFile) -> String {
    let mut text = format!("fetch {}", file.from);
    if let Origin::S3(S3Origin {
        version_id,
        customer_key,
        client_side,
        ..
    }) = &file.from
    {
        if client_side.is_some() {
            text += ", which a client sealed,";
        }
        if let Some(version) = version_id {
            let _ = write!(text, " version {version}");
        }
        if let Some(place) = customer_key {
            let _ = write!(
                text,
                " with the key {} of {}",
                place.key,
                place.vault.display()
            );
        }
    }
    let Write { path, mode } = &file.to;
    let _ = write!(text, ", write {} (mode {mode:04o}", path.display());
    text + &owner(file.user.as_ref(), file.group.as_ref()) + ")"
}

fn owner(user: Option<&String>, group: Option<&String>) -> String {
    let user = user.map(|user| format!(", user {user}"));
    let group = group.map(|group| format!(", group {group}"));
    user.unwrap_or_default() + &group.unwrap_or_default()
}

/// Which secrets a template can see, by its text; which of them it does look at shows when it is rendered.
fn describe_template(mode: &Mode, template: &Template) -> String {
    let base = mode.workdir.as_deref().unwrap_or(Path::new(""));
    let sees = match render::Template::read(base, &template.from, &template.root) {
        Err(_) => "which cannot be read".to_owned(),
        Ok(text) => {
            let names = text.asks_for().into_iter();
            let secrets: Vec<String> = names.filter(|name| is_secret(mode, name)).collect();
            if secrets.is_empty() {
                "which names no secret".to_owned()
            } else {
                format!("which may see the secrets {}", secrets.join(", "))
            }
        }
    };
    let bits = match template.mode {
        Some(bits) => format!("mode {bits:04o}"),
        None => format!(
            "mode {:04o}, with a secret {:04o}",
            Template::PUBLIC,
            Template::SECRET
        ),
    };
    let owner = owner(template.user.as_ref(), template.group.as_ref());
    let (from, to) = (template.from.display(), template.to.display());
    format!("render {from}, {sees}, write {to} ({bits}{owner})")
}

/// Whether a name that a template asks for may be that of a secret.
fn is_secret(mode: &Mode, asked: &str) -> bool {
    let name = asked.strip_prefix("env.").unwrap_or(asked);
    let own = mode
        .env
        .iter()
        .any(|one| !one.is_default && one.name == name);
    let mut exports = mode.secrets.iter().flat_map(|secret| &secret.env);
    let exported = exports.any(|export| match export {
        Export::One { name: known, .. } => known == name || asked == "env",
        Export::Subtree { prefix, .. } => name.starts_with(prefix.as_str()) || asked == "env",
    });
    asked == "secrets" || asked.starts_with("secrets.") || (exported && !own)
}

/// Every point of a stop, with its second.
fn timeline(plan: &Plan) -> String {
    let on: Vec<String> = plan.on.iter().map(ToString::to_string).collect();
    let mut out = format!("({}), on {}\n", plan.name, on.join(", "));
    let mut at = Duration::ZERO;
    let mut line = |at: Duration, text: &str| {
        let _ = writeln!(out, "{:>8.1} s  {text}", at.as_secs_f64());
    };
    if !plan.defer.is_zero() {
        line(at, "nothing is sent: the command may end by itself");
        at += plan.defer;
    }
    if let Some(marker) = plan.ready {
        let text = format!(
            "a server that does not catch {marker} yet: SIGTERM at once, its own signal once it does"
        );
        line(at, &text);
    }
    if !plan.drain.is_zero() {
        line(at, "keeps serving while the load balancer turns away");
        at += plan.drain;
    }
    for send in &plan.sends {
        let signal = send
            .signal
            .map_or_else(|| "the same signal".to_owned(), |signal| signal.to_string());
        let to = match send.to {
            Target::Main => "the process",
            Target::Group => "its process group",
        };
        line(at, &format!("{signal} to {to}"));
        at += send.wait;
    }
    line(at, "SIGKILL to whatever is left");
    out
}
