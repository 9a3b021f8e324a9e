//! The users and groups that this machine knows, wherever it keeps them (NSS).

use uzers::{Group, User};

/// A user of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnixUser {
    /// The name.
    pub name: String,
    /// The names of all its groups.
    pub groups: Vec<String>,
}

/// The user of this number. May wait for a directory service.
pub fn find(uid: u32) -> Option<UnixUser> {
    let user: User = uzers::get_user_by_uid(uid)?;
    let name = user.name().to_str()?.to_owned();
    let groups = user.groups().unwrap_or_default();
    let groups = groups.iter().filter_map(|group: &Group| group.name().to_str().map(str::to_owned)).collect();
    Some(UnixUser { name, groups })
}

#[cfg(test)]
mod tests {
    #[test]
    fn root_is_known_and_has_its_group() {
        let root = super::find(0).unwrap();
        assert_eq!(root.name, "root");
        assert!(root.groups.iter().any(|group| group == "root"), "{root:?}");
        assert_eq!(super::find(3_999_999_999), None);
    }
}
