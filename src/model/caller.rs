//! Who asks, and what they may do where (`product.md` section 5).

use std::fmt;
use std::sync::Arc;

/// What someone may do in a namespace, or in all of them. Each role can do what those before it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// To see it.
    Reader = 1,
    /// To log, and to change what was logged.
    Editor = 2,
    /// To delete and restore, and to say who has which role in it.
    Manager = 3,
    /// Everything, and to make accounts; of the whole site alone.
    Admin = 4,
}

impl Role {
    /// All roles, the least first.
    pub const ALL: [Role; 4] = [Role::Reader, Role::Editor, Role::Manager, Role::Admin];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Reader => "reader",
            Role::Editor => "editor",
            Role::Manager => "manager",
            Role::Admin => "admin",
        }
    }

    /// The role of this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// What a token is for that allows no more than this role.
    pub fn as_scope(self) -> &'static str {
        match self {
            Role::Reader => "read",
            Role::Editor => "write",
            Role::Manager | Role::Admin => "full",
        }
    }

    /// The most that a token for this allows: `read`, `write` or `full`.
    pub fn from_scope(scope: &str) -> Option<Self> {
        [Role::Reader, Role::Editor, Role::Admin].into_iter().find(|role| role.as_scope() == scope)
    }

    /// The role of this number, as it is stored.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|role| *role as i64 == number)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// Whom a request comes from, as far as it was proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account; `None` for whoever did not sign in.
    pub account: Option<i64>,
    /// The account's name, or what stands for it in the audit log.
    pub name: String,
    /// The name that people see.
    pub display_name: String,
    /// The mail address; may be empty.
    pub email: String,
    /// The account, and all that it belongs to: whatever has roles. Sorted.
    pub principals: Vec<i64>,
    /// The role in all namespaces.
    pub site_role: Option<Role>,
    /// The most that the credential allows, whatever the roles are.
    pub at_most: Role,
    /// The only namespace that the credential is for.
    pub only: Option<i64>,
    /// Whether the credential was a password or stands for the person: tokens do not look after tokens.
    pub in_person: bool,
}

/// Who asks, and for which right. Every read and write of the store takes it, so that what a caller may see is part of
/// the query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// Anyone who reaches a server without accounts: may read and write everything.
    Open,
    /// Someone on a server with accounts.
    Known {
        /// Who.
        identity: Arc<Identity>,
        /// The role that the route demands of whoever changes something.
        needs: Role,
    },
}

/// Where a caller has a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach<'a> {
    /// In every namespace.
    Everywhere,
    /// In this one alone.
    One(i64),
    /// Where one of these principals has it; if a namespace is named, in no other.
    Granted {
        /// The caller's own account and what it belongs to.
        principals: &'a [i64],
        /// The only namespace that the credential is for.
        only: Option<i64>,
    },
    /// Nowhere: the credential does not allow it.
    Nowhere,
}

impl Reach<'_> {
    /// Whether it may be of more than one namespace.
    pub fn is_unbound(&self) -> bool {
        matches!(self, Reach::Everywhere | Reach::Granted { only: None, .. })
    }
}

impl Caller {
    /// Where the caller has at least this role.
    pub fn reach(&self, role: Role) -> Reach<'_> {
        let Caller::Known { identity, .. } = self else { return Reach::Everywhere };
        if identity.at_most < role {
            return Reach::Nowhere;
        }
        match (identity.site_role >= Some(role), identity.only) {
            (true, None) => Reach::Everywhere,
            (true, Some(only)) => Reach::One(only),
            (false, only) => Reach::Granted { principals: &identity.principals, only },
        }
    }

    /// The role that is demanded of whoever changes something.
    pub fn needs(&self) -> Role {
        match self {
            Caller::Open => Role::Reader,
            Caller::Known { needs, .. } => *needs,
        }
    }

    /// The same caller, of whom another role is demanded.
    #[must_use]
    pub fn needing(&self, needs: Role) -> Self {
        match self {
            Caller::Open => Caller::Open,
            Caller::Known { identity, .. } => Caller::Known { identity: identity.clone(), needs },
        }
    }

    /// Whether the caller is an administrator of the site, and the credential allows to act as one.
    pub fn is_admin(&self) -> bool {
        self.reach(Role::Admin) == Reach::Everywhere
    }

    /// The account that acts, where there are accounts and someone signed in.
    pub fn account(&self) -> Option<i64> {
        match self {
            Caller::Open => None,
            Caller::Known { identity, .. } => identity.account,
        }
    }

    /// The name for the audit log.
    pub fn name(&self) -> &str {
        match self {
            Caller::Open => "open",
            Caller::Known { identity, .. } => &identity.name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(site_role: Option<Role>, at_most: Role, only: Option<i64>) -> Caller {
        let identity = Identity {
            account: Some(7),
            name: "a".into(),
            display_name: String::new(),
            email: String::new(),
            principals: vec![1, 2, 7],
            site_role,
            at_most,
            only,
            in_person: true,
        };
        Caller::Known { identity: Arc::new(identity), needs: Role::Editor }
    }

    #[test]
    fn a_credential_narrows_what_the_roles_allow() {
        let everywhere = caller(Some(Role::Editor), Role::Admin, None);
        assert_eq!(everywhere.reach(Role::Editor), Reach::Everywhere);
        assert!(matches!(everywhere.reach(Role::Manager), Reach::Granted { only: None, .. }));
        assert_eq!(caller(Some(Role::Editor), Role::Reader, None).reach(Role::Editor), Reach::Nowhere);
        assert_eq!(caller(Some(Role::Editor), Role::Editor, Some(3)).reach(Role::Reader), Reach::One(3));
        assert_eq!(
            caller(None, Role::Editor, Some(3)).reach(Role::Reader),
            Reach::Granted { principals: &[1, 2, 7], only: Some(3) }
        );
    }

    #[test]
    fn only_a_credential_for_everything_makes_an_administrator() {
        assert!(caller(Some(Role::Admin), Role::Admin, None).is_admin());
        assert!(!caller(Some(Role::Admin), Role::Manager, None).is_admin());
        assert!(!caller(Some(Role::Admin), Role::Admin, Some(0)).is_admin());
        assert!(!caller(Some(Role::Manager), Role::Admin, None).is_admin());
        assert!(Caller::Open.is_admin());
    }
}
