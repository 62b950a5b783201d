//! The known keys, as data: the decoder refuses all others, and a test holds `docs/modes.md` to them.

/// A key of a map in a mode file.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub name: &'static str,
    /// As the reference page says it.
    pub kind: &'static str,
    /// As the reference page says it; empty where the key must be written or means nothing unwritten.
    pub default: &'static str,
}

/// A map with a fixed set of keys.
#[derive(Debug)]
pub struct Table {
    /// The reference page's heading.
    pub name: &'static str,
    pub keys: &'static [Key],
}

impl Table {
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.keys.iter().map(|key| key.name).collect()
    }
}

/// A row of a table.
#[must_use]
pub const fn key(name: &'static str, kind: &'static str, default: &'static str) -> Key {
    Key {
        name,
        kind,
        default,
    }
}

/// Every table there is.
pub const TABLES: [&Table; 17] = [
    &MODE,
    &STOP,
    &STEP,
    &SECRET,
    &WRITE,
    &FILE,
    &CUSTOMER_KEY,
    &CLIENT_SIDE,
    &RENDER,
    &RENDER_VALUE,
    &AWS,
    &BEFORE,
    &AFTER,
    &PROCESS,
    &READY,
    &RESTART,
    &HEALTH,
];

pub const MODE: Table = Table {
    name: "A mode",
    keys: &[
        key("command", "list of words, or a string", ""),
        key("args", "`none`, `append` or `required`", "`none`"),
        key("env", "map of name to value", ""),
        key("secrets", "list of maps", ""),
        key("files", "list of maps", ""),
        key("render", "list of maps", ""),
        key("aws", "map", ""),
        key("user", "name or number", ""),
        key("group", "name or number", ""),
        key("no_new_privs", "`true` or `false`", "`false`"),
        key("workdir", "path", ""),
        key("umask", "quoted octal", ""),
        key("tty", "`auto`, `app` or `entry`", "`auto`"),
        key("stop", "preset, or a map", "`plain`"),
        key("exit", "map of code to code", ""),
        key("max_runtime", "duration", ""),
        key("before", "list of maps", ""),
        key("after", "list of maps", ""),
        key("processes", "map of name to map", ""),
        key("output", "`plain` or `prefixed`", "`plain`"),
        key("health", "map", ""),
        key("protect", "`true` or `false`", "`false`"),
    ],
};

pub const STOP: Table = Table {
    name: "`stop`",
    keys: &[
        key("preset", "preset", "`plain`"),
        key("drain", "duration", ""),
        key("grace", "duration", ""),
        key("on", "signal, or a list of them", ""),
        key("defer", "duration", ""),
        key("steps", "list of maps", ""),
    ],
};

pub const STEP: Table = Table {
    name: "`stop.steps`",
    keys: &[
        key("signal", "signal", ""),
        key("to", "`main` or `group`", "`main`"),
        key("wait", "duration", ""),
    ],
};

pub const SECRET: Table = Table {
    name: "`secrets`",
    keys: &[
        key("vault", "path", ""),
        key("sops", "path", ""),
        key("ssm", "path of parameters, or a list of names", ""),
        key("secrets_manager", "name or ARN", ""),
        key("cryptor", "`simple`, `aws-kms` or `gcp-kms`", "`simple`"),
        key("keys", "key path, or a list of them", "`$`"),
        key("prefix", "string", ""),
        key("suffix", "string", ""),
        key("salt", "string", ""),
        key("cipher", "cipher", "`aes-256-cbc`"),
        key("digest", "digest", "`SHA256`"),
        key("key_len", "number", "the cipher's"),
        key("signature_key_len", "number", "`64`"),
        key("kdf_digest", "digest", "`SHA1`"),
        key("passphrase_env", "variable name", "`YAML_VAULT_PASSPHRASE`"),
        key("passphrase_file", "path", ""),
        key(
            "sign_passphrase_env",
            "variable name",
            "`YAML_VAULT_SIGN_PASSPHRASE`",
        ),
        key("sign_passphrase_file", "path", ""),
        key("kms_key_id", "key id, ARN or alias", ""),
        key("gcp_kms_resource_id", "resource name", ""),
        key("gcp_credential_file", "path", ""),
        key(
            "format",
            "`yaml`, `json`, `dotenv` or `binary`",
            "by its name",
        ),
        key("age_key_env", "variable name", "`SOPS_AGE_KEY`"),
        key("age_key_file", "path", ""),
        key("recursive", "`true` or `false`", "`false`"),
        key("stage", "string", "`AWSCURRENT`"),
        key("version_id", "string", ""),
        key("write", "absolute path, or a map", ""),
        key("env", "map of name to key path", ""),
        key("override", "`true` or `false`", "`false`"),
    ],
};

pub const WRITE: Table = Table {
    name: "`secrets.write`",
    keys: &[
        key("path", "absolute path", ""),
        key("mode", "quoted octal", "`\"0400\"`"),
    ],
};

pub const FILE: Table = Table {
    name: "`files`",
    keys: &[
        key("from", "`s3://BUCKET/KEY` or `file:///PATH`", ""),
        key("to", "absolute path", ""),
        key("mode", "quoted octal", "`\"0400\"`"),
        key("user", "name or number", "the mode's"),
        key("group", "name or number", "the user's"),
        key("max_size", "size", "`64MiB`"),
        key("version_id", "string", ""),
        key("customer_key", "map", ""),
        key("client_side", "`true`, or a map", ""),
    ],
};

pub const CUSTOMER_KEY: Table = Table {
    name: "`files.customer_key`",
    keys: &[key("vault", "path", ""), key("key", "key path", "")],
};

pub const CLIENT_SIDE: Table = Table {
    name: "`files.client_side`",
    keys: &[
        key("kms_key_id", "key id, ARN or alias", ""),
        key("context", "map of name to value", ""),
        key("legacy", "`true` or `false`", "`false`"),
    ],
};

pub const RENDER: Table = Table {
    name: "`render`",
    keys: &[
        key("from", "path", ""),
        key("to", "absolute path", "`from` without `.tmpl`"),
        key(
            "mode",
            "quoted octal",
            "`\"0644\"`, with a secret `\"0400\"`",
        ),
        key("user", "name or number", "the mode's"),
        key("group", "name or number", "the user's"),
        key("root", "path", "the folder of `from`"),
        key("values", "map of name to map", ""),
    ],
};

pub const RENDER_VALUE: Table = Table {
    name: "`render.values`",
    keys: CUSTOMER_KEY.keys,
};

pub const AWS: Table = Table {
    name: "`aws`",
    keys: &[
        key("region", "string", ""),
        key("timeout", "duration", "`60s`"),
        key("in_flight", "number", "`32`"),
    ],
};

pub const BEFORE: Table = Table {
    name: "`before`",
    keys: &[
        key("command", "list of words, or a string", ""),
        key("timeout", "duration", ""),
        key("retry", "number", "`0`"),
        key("wait", "duration", "`1s`"),
        key("grace", "duration", "`10s`"),
        key("user", "name or number", "the mode's"),
        key("group", "name or number", "the user's"),
    ],
};

pub const AFTER: Table = Table {
    name: "`after`",
    keys: &[
        key("command", "list of words, or a string", ""),
        key("timeout", "duration", "`5s`"),
    ],
};

pub const PROCESS: Table = Table {
    name: "`processes`",
    keys: &[
        key("command", "list of words, or a string", ""),
        key("after", "name, or a list of them", ""),
        key("ready", "map", ""),
        key("restart", "`true`, or a map", ""),
        key("optional", "`true` or `false`", "`false`"),
        key("stop", "preset, or a map", "the mode's"),
    ],
};

pub const READY: Table = Table {
    name: "`processes.ready`",
    keys: &[
        key("tcp", "address", ""),
        key("http", "page", ""),
        key("file", "absolute path", ""),
        key("line", "string", ""),
        key("timeout", "duration", "`1m`"),
    ],
};

pub const RESTART: Table = Table {
    name: "`processes.restart`",
    keys: &[
        key("delay", "duration", "`1s`"),
        key("max_delay", "duration", "`1m`"),
        key("times", "number", ""),
    ],
};

pub const HEALTH: Table = Table {
    name: "`health`",
    keys: &[
        key("http", "page", ""),
        key("tcp", "address", ""),
        key("file", "absolute path", ""),
        key("max_age", "duration", ""),
        key("timeout", "duration", "`5s`"),
    ],
};

/// What differs between kinds of files that are read in the same way.
#[derive(Debug)]
pub struct Dialect {
    /// What people write that is no key, and what they need instead.
    pub mistakes: &'static [(&'static str, &'static str)],
    /// What to do about a variable that is not set, beside giving it a default.
    pub unset: &'static str,
    /// The most values in one file once its aliases are expanded.
    pub most_values: usize,
}

/// Mode files: a large real mode has some hundred values.
pub const MODES: Dialect = Dialect {
    mistakes: &MISTAKES,
    unset: "set it for the container or under env",
    most_values: 10_000,
};

const MISTAKES: [(&str, &str); 6] = [
    (
        "passphrase",
        "a passphrase must not stand in a file, name its variable with passphrase_env",
    ),
    (
        "sign_passphrase",
        "a passphrase must not stand in a file, name its variable with sign_passphrase_env",
    ),
    ("timeout", "write stop: {grace: …}"),
    ("environment", "write env"),
    ("entrypoint", "write command"),
    ("cmd", "write command"),
];
