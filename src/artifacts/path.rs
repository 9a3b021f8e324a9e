//! The names of files and directories, and the only way to make one.

use std::fmt;

use percent_encoding::percent_decode;

use crate::error::{Error, Result};

/// The longest path in bytes.
pub const MAX_PATH_BYTES: usize = 4096;
/// The longest component of a path in bytes: what common file systems allow.
pub const MAX_COMPONENT_BYTES: usize = 255;
/// The largest number of components of a path.
pub const MAX_COMPONENTS: usize = 128;

/// No component that clients name begins like this: such names are the store's own.
const RESERVED_PREFIX: &str = ".windvane-";
/// The directory that some file systems keep at their root, which is not ours to show.
const FILE_SYSTEM_DIRECTORY: &str = "lost+found";
/// A name that still changes after so many percent-decodings is an attack.
const MAX_DECODINGS: usize = 16;

/// The place of a file or directory beneath the root of an [`ArtifactStore`](super::ArtifactStore).
///
/// Components are separated by single slashes. There is no `.`, no empty component, no leading or trailing slash, no
/// control character and no `#`. There is no `..`, no root, no drive and no scheme, and none comes to light when the
/// path is percent-decoded once or many times more, so that no later reader can be led astray. Percent signs themselves,
/// which MLflow's `log_image` puts into names, are ordinary. Names that look alike are different names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArtifactPath(String);

impl ArtifactPath {
    /// The root, which is a directory.
    pub fn root() -> Self {
        ArtifactPath(String::new())
    }

    /// Reads `raw`, a name from which the transport's own encoding has been removed (once). Repeated slashes and `.`
    /// components are dropped; an empty name is the root.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`], beginning `Invalid path` (contract section 4.2), if the name could mean anything outside the
    /// root or belongs to the store itself, or if a component is too long, too deep or only blanks and dots.
    pub fn parse(raw: &str) -> Result<Self> {
        if raw.len() > MAX_PATH_BYTES {
            return Err(invalid(format!("it is longer than {MAX_PATH_BYTES} bytes")));
        }
        if raw.contains(char::is_control) {
            return Err(invalid("it contains a control character"));
        }
        // What a decoder leaves of bytes that are not UTF-8: the client's name is lost, so we cannot store under it.
        if raw.contains(char::REPLACEMENT_CHARACTER) {
            return Err(invalid("it is not valid UTF-8"));
        }
        // Fragments have led other servers astray. This and the control characters are judged here only, not in further
        // decodings: images are named `…%step%23%timestamp%1700000000000%0a1b…`, where any two hexadecimal digits occur.
        if raw.contains('#') {
            return Err(invalid("it contains '#'"));
        }
        if raw.starts_with('/') {
            return Err(absolute());
        }

        let kept: Vec<&str> = raw.split('/').filter(|component| !component.is_empty() && *component != ".").collect();
        let path = kept.join("/");
        // Not `raw`: what was dropped may have hidden the beginning of something else, as in `./C:x`.
        judge_every_decoding(&path)?;
        if kept.len() > MAX_COMPONENTS {
            return Err(invalid(format!("it has more than {MAX_COMPONENTS} components")));
        }
        for (depth, component) in kept.into_iter().enumerate() {
            judge_component(component, depth)?;
        }
        Ok(ArtifactPath(path))
    }

    /// The path of `other`, which is relative to this directory.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the whole is too long or too deep.
    pub fn join(&self, other: &ArtifactPath) -> Result<Self> {
        self.resolve(&other.0)
    }

    /// Reads `relative`, a name as [`parse`](Self::parse) takes it, in this directory.
    pub(super) fn resolve(&self, relative: &str) -> Result<Self> {
        if self.is_root() { ArtifactPath::parse(relative) } else { ArtifactPath::parse(&format!("{self}/{relative}")) }
    }

    /// The path as text, without a leading slash; empty for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The names from the root downwards.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        components(&self.0)
    }

    /// The last component; empty for the root.
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// The directory above this path, or the path itself, that has `count` components; `None` if the path has fewer.
    pub fn ancestor(&self, count: usize) -> Option<Self> {
        let ends = self.0.match_indices('/').map(|(end, _)| end).chain([self.0.len()]);
        if self.is_root() || count == 0 {
            return (count == 0).then(ArtifactPath::root);
        }
        ends.map(|end| ArtifactPath(self.0[..end].to_owned())).nth(count - 1)
    }

    /// The directory that holds this path, as text, and the last component; `None` for the root.
    pub(super) fn split_last(&self) -> Option<(&str, &str)> {
        if self.is_root() { None } else { Some(self.0.rsplit_once('/').unwrap_or(("", &self.0))) }
    }
}

impl fmt::Display for ArtifactPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The components of the text of a path.
pub(super) fn components(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|it| !it.is_empty())
}

fn invalid(reason: impl fmt::Display) -> Error {
    Error::Invalid(format!("Invalid path: {reason}"))
}

fn absolute() -> Error {
    invalid("it is absolute; give a path relative to the artifact directory")
}

/// Refuses a name that leaves the root as it stands or after any number of further percent-decodings.
fn judge_every_decoding(name: &str) -> Result<()> {
    let mut stage = name.as_bytes().to_vec();
    for _ in 0..MAX_DECODINGS {
        judge_stage(&stage)?;
        let decoded: Vec<u8> = percent_decode(&stage).collect();
        if decoded == stage {
            return Ok(());
        }
        stage = decoded;
    }
    Err(invalid(format!("it is percent-encoded more than {MAX_DECODINGS} times")))
}

/// Refuses what could lead out of the root in some reader: a slash means what it means here and a backslash what it
/// means to Windows.
fn judge_stage(mut name: &[u8]) -> Result<()> {
    while let Some(rest) = name.strip_prefix(b"./") {
        name = rest;
    }
    if name.starts_with(b"/") || name.starts_with(b"\\") {
        return Err(absolute());
    }
    if name.split(|byte| matches!(byte, b'/' | b'\\')).any(|component| component == b"..") {
        return Err(invalid("it contains '..'"));
    }
    if let Some(colon) = name.iter().position(|byte| *byte == b':') {
        let (scheme, rest) = (&name[..colon], &name[colon + 1..]);
        let is_scheme = scheme.first().is_some_and(u8::is_ascii_alphabetic)
            && scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
        if is_scheme && scheme.len() == 1 {
            return Err(invalid("it begins with a drive letter"));
        }
        if is_scheme && (rest.starts_with(b"/") || scheme.eq_ignore_ascii_case(b"file")) {
            return Err(invalid("it is a URI; give a path relative to the artifact directory"));
        }
    }
    Ok(())
}

/// Refuses a component that cannot, or must not, be a client's file name.
fn judge_component(component: &str, depth: usize) -> Result<()> {
    if component.len() > MAX_COMPONENT_BYTES {
        return Err(invalid(format!("a component is longer than {MAX_COMPONENT_BYTES} bytes")));
    }
    if component.chars().all(|char| char == '.' || char.is_whitespace()) {
        return Err(invalid("a component is only blanks or dots"));
    }
    // Case is ignored because the file system may ignore it.
    let is_reserved =
        component.get(..RESERVED_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(RESERVED_PREFIX));
    if is_reserved || (depth == 0 && component.eq_ignore_ascii_case(FILE_SYSTEM_DIRECTORY)) {
        return Err(invalid(format!("the name '{component}' is reserved")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    use proptest::prelude::*;

    fn text(raw: &str) -> Result<String> {
        ArtifactPath::parse(raw).map(|path| path.as_str().to_owned())
    }

    #[test]
    fn names_that_leave_the_root_are_refused_in_every_encoding() {
        let escapes = [
            "..",
            "../../../../etc/passwd",
            "a/../../x",
            "a/..",
            "a/./../../x",
            "./.././x",
            "a//../../x",
            "..%2f..%2fetc%2fpasswd",
            "%2e%2e/x",
            "%2E%2e%2Fx",
            "%252e%252e%252fetc%252fpasswd",
            "%25252e%25252e%25252fetc",
            "a/%2e./x",
            "/etc/passwd",
            "//etc/passwd",
            "///proc/self/root/etc/passwd",
            "%2fetc/passwd",
            "..\\..\\etc\\passwd",
            "a/..\\..\\x",
            "C:\\Windows\\win.ini",
            "\\\\host\\share\\x",
            "\\x",
            "%5cx",
            "C:x",
            "c:/x",
            "foo#../../etc",
            "foo%23../../etc",
            "foo?../../etc",
            "foo;../../etc",
            "foo%3b..%2f..%2fetc",
            "foo#bar",
            "./C:x",
            "./\\x",
            ".//./file:/etc",
            "%2e/C:x",
            "./%2fetc",
            "file:///etc/passwd",
            "file:/etc",
            "file:etc",
            "FILE:///etc",
            "file%3a/etc",
            "mlflow-artifacts:/../..",
            "mlflow-artifacts:/7/x",
            "dbfs:/../..",
            "dbfs:/x",
            "s3://bucket/x",
        ];

        for raw in escapes {
            let refusal = text(raw).expect_err(raw).to_string();
            assert!(refusal.starts_with("Invalid path"), "{raw}: {refusal}");
        }
    }

    #[test]
    fn control_characters_and_lost_bytes_are_refused() {
        for raw in ["a\0.png", "a\r\nb", "a\tb", "a\u{7f}", "a\u{85}", "a\u{fffd}"] {
            assert!(matches!(text(raw), Err(Error::Invalid(_))), "{raw:?}");
        }
    }

    #[test]
    fn names_of_only_blanks_or_dots_and_reserved_names_are_refused() {
        for raw in
            ["...", "a/....", " ", "a/ /b", ". .", "\u{3000}", ".windvane-uploads", ".Windvane-x/1", "a/.windvane-1"]
        {
            assert!(matches!(text(raw), Err(Error::Invalid(_))), "{raw:?}");
        }
        assert!(text("lost+found/x").is_err());
        assert_eq!(text("a/lost+found").unwrap(), "a/lost+found");
    }

    #[test]
    fn limits_are_met_at_and_refused_above() {
        assert!(text(&"a".repeat(255)).is_ok());
        assert!(text(&"a".repeat(256)).is_err());
        assert!(text(&["é"; 128].concat()).is_err());
        assert!(text(&vec!["a"; 128].join("/")).is_ok());
        assert!(text(&vec!["a"; 129].join("/")).is_err());
        let longest = vec!["a".repeat(240); 17].join("/");
        assert_eq!(longest.len(), 4096);
        assert!(text(&longest).is_ok());
        assert!(text(&format!("{longest}b")).is_err());
        assert!(text(&"%25".repeat(85)).is_ok());
        assert!(text(&format!("%{}41", "25".repeat(2000))).is_err());
    }

    #[test]
    fn ordinary_names_are_kept_as_they_are() {
        let ordinary = [
            "model/MLmodel",
            "a b/c+d=e (1).txt",
            "images/img%step%1%timestamp%1700000000000%0f3a.png",
            "50%",
            "100%25",
            "%zz",
            "..a/b..",
            "a..b",
            ".hidden",
            "ab:c",
            "d/a:b",
            "checkpoints/epoch:3.ckpt",
            "a\\b",
            "a;b?c&d",
            "naïve/über/日本.txt",
            "．．／x",
            "‥/∕",
            "a~",
            "-rf",
        ];

        for raw in ordinary {
            assert_eq!(text(raw).expect(raw), raw);
        }
    }

    #[test]
    fn the_image_of_every_step_can_be_stored() {
        for number in 0..=255 {
            let raw = format!("images/loss%step%{number}%timestamp%1700000000000%{number:02x}1b2c3d.png");

            assert_eq!(text(&raw).expect(&raw), raw);
        }
    }

    #[test]
    fn equal_spellings_are_one_path_and_twins_are_two() {
        assert_eq!(text("a//b/./c/").unwrap(), "a/b/c");
        assert_eq!(text("").unwrap(), "");
        assert_eq!(text("./").unwrap(), "");
        assert_ne!(text("e\u{301}").unwrap(), text("\u{e9}").unwrap());
    }

    #[test]
    fn paths_are_joined_and_taken_apart() {
        let run = ArtifactPath::parse("7/abc/artifacts").unwrap();
        let file = ArtifactPath::parse("model/a.txt").unwrap();

        let joined = run.join(&file).unwrap();

        assert_eq!(joined.as_str(), "7/abc/artifacts/model/a.txt");
        assert_eq!(joined.components().count(), 5);
        assert_eq!(joined.split_last(), Some(("7/abc/artifacts/model", "a.txt")));
        assert_eq!(ArtifactPath::root().join(&file).unwrap(), file);
        assert_eq!(file.join(&ArtifactPath::root()).unwrap(), file);
        assert_eq!(ArtifactPath::parse("x").unwrap().split_last(), Some(("", "x")));
        assert_eq!(ArtifactPath::root().split_last(), None);
        assert_eq!(joined.file_name(), "a.txt");
    }

    /// Strings made of what attacks are made of, and arbitrary ones.
    fn hostile() -> impl Strategy<Value = String> {
        let pieces = proptest::sample::select(vec![
            "..",
            ".",
            "/",
            "//",
            "\\",
            "%2e",
            "%2E",
            "%2f",
            "%5c",
            "%25",
            "2e",
            "2f",
            "%",
            "a",
            "C:",
            ":",
            "file:",
            "#",
            "\0",
            " ",
            "é",
            "．",
            ".windvane-",
            "+",
            "?",
        ]);
        prop_oneof![
            proptest::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat()),
            any::<String>(),
            ".*/.*",
        ]
    }

    proptest! {
        #[test]
        fn no_string_becomes_a_path_outside_the_root(raw in hostile()) {
            if let Ok(path) = ArtifactPath::parse(&raw) {
                let mut decoded = path.as_str().as_bytes().to_vec();
                loop {
                    let separated: Vec<&[u8]> = decoded.split(|byte| matches!(byte, b'/' | b'\\')).collect();
                    prop_assert!(!separated.contains(&b"..".as_slice()), "{raw:?}");
                    prop_assert!(separated.len() == 1 || !separated[0].is_empty(), "{raw:?}");
                    let next: Vec<u8> = percent_decode(&decoded).collect();
                    if next == decoded {
                        break;
                    }
                    decoded = next;
                }
                prop_assert!(Path::new(path.as_str()).is_relative());
                let is_normal = |part| matches!(part, std::path::Component::Normal(_));
                prop_assert!(Path::new(path.as_str()).components().all(is_normal));
            }
        }

        #[test]
        fn a_path_reads_back_as_itself(raw in hostile()) {
            if let Ok(path) = ArtifactPath::parse(&raw) {
                prop_assert_eq!(&ArtifactPath::parse(path.as_str()).unwrap(), &path);
            }
        }
    }
}
