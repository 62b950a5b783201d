//! Files that the real sops encrypts now are decrypted to the bytes that it prints itself.

use super::{Place, age_keys, recipient};

const YAML: &str = r##"# head

# second head
str: hello # inline
lead: " x"
empty: ""
block: |2
      lead two
    b
noend: |-
    a
    b
more: |+
    a

only_feed: "\n"
sp: "a \nb"
trail: "a "
tabs: "a\tb\nc"
crlf: "a\r\nb"
y: "y"
sixty: "1:20"
hash: "a #b"
colon: "a:"
brace: "{x"
bin: !!binary //79
texts: ["null", "42", "2020-01-02", "true", "0x1F", "~", ".5", "1e3", "-", "---", "- a", "=", "? x", "<%= x %>"]
marks: ["%x", "@x", "`x", "*x", "&x", "!x", ">x", "|x", "a : b", "a, b", "it's", "say \"x\"", "a\\b", "'", "[", "]", "#", ":"]
odd: ["a\u00a0b", "a\u0085b", "\x01", "é 日本 ☃", "😀", "\u007f", "a\nb ", "😀\nx"]
break_first: "\na"
blanks_first: "  a\n  b"
url: "http://x/y?z=1#a"
numbers: [0, -7, 0755, 0x1F, 0b11, 0o17, 1_000, 9223372036854775807, 1.5, 1e3, 1234567.0, 1e300, 0.000001, -.5, .inf, -.inf, .nan]
others: [true, False, null, ~, 2020-01-02, 2020-01-02T03:04:05.5+09:00, 2001-12-14 21:59:43]
a:
  # in a
  b: c
  # foot of a
# between
only:
  # just a comment
list:
  # first
  - a
  # second
  - b # inline b
  - - nested
    -   k: |
          deep
          text
        j: x
  # foot
seq_text:
- |
  in list
  two
e: []
f: {}
anchor: &x {p: q}
alias: *x
merged:
  <<: *x
  r: s
group_unencrypted:
  deep: [1, two, 3.0, 0755, 1e21, 2020-01-02, true, null, ""]
  text: |
    clear
colon:key: v
"quoted key": w
1.5x: y
# last
"##;

fn place() -> Place {
    Place::new().env("SOPS_AGE_KEY_FILE", age_keys())
}

/// A folder whose files are encrypted for the first age key, under this rule.
fn ruled(rule: &str) -> Place {
    let rules = format!("creation_rules:\n  - age: {}\n{rule}", recipient());
    place().file(".sops.yaml", rules)
}

/// Encrypts, and compares what both make of it.
fn compare(name: &str, plain: impl AsRef<[u8]>, rule: &str) {
    let place = ruled(rule).file(name, plain);
    let sealed = place.sops(&["encrypt", name]);
    std::fs::write(place.path(name), sealed).unwrap();
    let want = place.sops(&["decrypt", name]);
    let found = place.good(&[name]);
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(shown(&found), shown(&want), "{name} {rule}");
    assert_eq!(found, want);
}

#[test]
fn yaml() {
    compare("a.yaml", YAML, "");
    compare(
        "a.yml",
        "a: 1\n---\nb: two\n---\n# c\nc: [3]\n---\n{}\n",
        "",
    );
}

#[test]
fn every_rule() {
    let commented =
        "# sops:enc\na: x\nb: y\nc:\n    # sops:enc\n    d: [1, z]\n    e: w\ni: 3 # sops:enc\n";
    for rule in [
        "unencrypted_suffix: _pub",
        "encrypted_suffix: d",
        "unencrypted_regex: ^(b|d)$",
        "encrypted_regex: ^(b|d)$",
        "encrypted_comment_regex: sops:enc",
        "unencrypted_comment_regex: sops:enc",
    ] {
        compare("a.yaml", commented, &format!("    {rule}\n"));
        let only = format!("    {rule}\n    mac_only_encrypted: true\n");
        compare("a.yaml", commented, &only);
    }
}

#[test]
fn a_mac_of_encrypted_values_only() {
    let place = ruled("    mac_only_encrypted: true\n    unencrypted_regex: ^b$\n")
        .file("a.yaml", "a: x\nb: [1, y]\nc: z\n");
    let sealed = String::from_utf8(place.sops(&["encrypt", "a.yaml"])).unwrap();
    assert!(sealed.contains("mac_only_encrypted: true"), "{sealed}");
    // Clear values may change, and both read the file.
    std::fs::write(place.path("a.yaml"), sealed.replace("- y", "- other")).unwrap();
    let want = place.sops(&["decrypt", "a.yaml"]);
    assert_eq!(place.good(&["a.yaml"]), want);
}

#[test]
fn json() {
    let plain = r#"{"a<b>&":"<x>&\u2028/\/\"\\\t\u0001\u007f😀é\b\f\r\n","n":1,"big":9007199254740993,"f":1.50,"z":-0,
        "t":true,"nul":null,"l":[1,"x",[],{},[null,""]],"o":{"k":"v"},"small":1e-9,"large":1e21,"":"no name",
        "x_unencrypted":{"n":9007199254740993,"f":1e3,"m":-0.0,"s":"<&>"}}"#;
    compare("a.json", plain, "");
    compare("a.json", "{}", "");
}

#[test]
fn dotenv() {
    let plain = "# comment\nFOO=bar\n\nEMPTY=\nQUOTED=\"a b\"\nNL=one\\ntwo\nEQ=a=b=c\n#another\nSPACE = x y \nUNI=é ☃ 😀\n\
                 SECRET_unencrypted=open\\nclear\nTAB=\ta\n";
    compare("production.env", plain, "");
}

#[test]
fn binary() {
    let bytes: Vec<u8> = (0..=255).cycle().take(5000).collect();
    compare("server.key", bytes, "");
    compare("empty", "", "");
}

/// sops 3.11 itself loses or breaks these, so only the values are compared, as its JSON shows them.
#[test]
fn where_sops_writes_what_does_not_read_back() {
    let plain = "ls: \"a\\u2028b\"\nbom: \"\\ufeffx\"\nmerge: \"<<\"\nlist: [\" a\\nb\\n\"]\n";
    let place = ruled("").file("a.yaml", plain);
    let sealed = place.sops(&["encrypt", "a.yaml"]);
    std::fs::write(place.path("a.yaml"), sealed).unwrap();
    assert_eq!(
        String::from_utf8(place.good(&["a.yaml"])).unwrap(),
        "ls: \"a\\Lb\"\nbom: \"\\uFEFFx\"\nmerge: \"<<\"\nlist:\n    - |2\n       a\n      b\n"
    );
}
