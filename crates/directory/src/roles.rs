//! Who may do what: one table of actions and roles. A handler's permission is one of the actions.

use crate::settings::words;

words! {
    /// What an administrator or an API key is in a tenant.
    Role {
        /// May do everything, administrators and keys too.
        Owner = "owner",
        /// Settings, mappings, tokens, users.
        Manager = "manager",
        /// Sees users, preserves and activates them.
        Helpdesk = "helpdesk",
        /// Sees everything, and changes nothing.
        Auditor = "auditor",
    }
}

/// Something that not everybody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Look at users and groups.
    ReadUsers,
    /// Look at events.
    ReadEvents,
    /// Preserve and activate users.
    PreserveUsers,
    /// Make, change and delete users.
    ChangeUsers,
    /// Look at connections, profiles, storages and mappings.
    ReadSettings,
    /// Look at what identity providers sent, and whom a refusal keeps out.
    ReadExchanges,
    /// Put the refusal of a person aside.
    DismissRefusals,
    /// Make, change and remove connections, tokens, profiles, storages and mappings.
    ChangeSettings,
    /// Deal with API keys and administrators.
    ManageAccess,
    /// Say that the part of a product for an event is done.
    AcknowledgeEvents,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::ReadUsers,
        Self::ReadEvents,
        Self::PreserveUsers,
        Self::ChangeUsers,
        Self::ReadSettings,
        Self::ReadExchanges,
        Self::DismissRefusals,
        Self::ChangeSettings,
        Self::ManageAccess,
        Self::AcknowledgeEvents,
    ];

    /// The roles that may do it.
    pub fn roles(self) -> &'static [Role] {
        match self {
            Self::ReadUsers => &[Role::Owner, Role::Manager, Role::Helpdesk, Role::Auditor],
            Self::ReadEvents | Self::ReadSettings | Self::ReadExchanges => {
                &[Role::Owner, Role::Manager, Role::Auditor]
            }
            Self::PreserveUsers => &[Role::Owner, Role::Manager, Role::Helpdesk],
            Self::ChangeUsers | Self::DismissRefusals | Self::ChangeSettings | Self::AcknowledgeEvents => {
                &[Role::Owner, Role::Manager]
            }
            Self::ManageAccess => &[Role::Owner],
        }
    }
}

impl Role {
    /// Whether the role may do it.
    pub fn may(self, action: Action) -> bool {
        action.roles().contains(&self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_may_everything_and_an_auditor_changes_nothing() {
        assert!(Action::ALL.iter().all(|&action| Role::Owner.may(action)));
        assert!(!Role::Auditor.may(Action::PreserveUsers) && !Role::Auditor.may(Action::ChangeUsers));
        assert!(Role::Helpdesk.may(Action::PreserveUsers) && !Role::Helpdesk.may(Action::ReadEvents));
    }
}
