//! Immutable facts about changes, written in the same transaction as the change.

use crate::UserId;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum EventKind { $($(#[$doc])* $name,)* }

        impl EventKind {
            /// The name that consumers read.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

kinds! {
    /// A user came into being.
    UserCreated = "user.created";
    /// Attributes of a user changed.
    UserUpdated = "user.updated";
    /// The identity provider said that the user is inactive; the account is preserved.
    UserDeactivated = "user.deactivated";
    /// The identity provider deleted the user; the account is preserved.
    UserDeleted = "user.deleted";
    /// The identity provider said that a preserved user is active again.
    UserReactivated = "user.reactivated";
    /// An administrator preserved the user.
    UserPreserved = "user.preserved";
    /// An administrator ended a preservation.
    UserActivated = "user.activated";
    /// A user is gone for good; its earlier events say no more than that they happened.
    UserPurged = "user.purged";
    /// An administrator forbade to purge the user, or allowed it again.
    UserLegalHold = "user.legal_hold";
    /// A user who was held is active now.
    UserAdmitted = "user.admitted";
    /// An administrator set or freed a user's place by hand.
    UserPlaced = "user.placed";
    /// The user got another profile or quota.
    UserMoved = "user.moved";
    /// An administrator said whom the name of a preserved user belongs to.
    UserResolved = "user.resolved";
    /// A user came under a connection that did not manage it before.
    UserAdopted = "user.adopted";
    /// An administrator put the user under another connection.
    UserTransferred = "user.transferred";
    /// A user lost its connection and is manual now.
    UserReleased = "user.released";
    /// An API key was made.
    KeyCreated = "key.created";
    /// An API key was ended.
    KeyRevoked = "key.revoked";
    /// An administrator wants to see a refused person no longer.
    RefusalDismissed = "refusal.dismissed";
    /// Many users of a connection left at once; nobody is purged until an administrator has looked.
    AlarmRaised = "alarm.raised";
    /// An administrator has looked: those who left have left.
    AlarmEnded = "alarm.ended";
    /// Somebody was invited to be an administrator, or again.
    AdministratorInvited = "administrator.invited";
    /// An invited person chose a password.
    AdministratorJoined = "administrator.joined";
    /// An administrator's role, profiles, password or codes changed.
    AdministratorChanged = "administrator.changed";
    /// An administrator is one no more.
    AdministratorRemoved = "administrator.removed";
    /// An administrator signed in.
    AdministratorSignedIn = "administrator.signed_in";
    /// A group came into being.
    GroupCreated = "group.created";
    /// A group's attributes changed.
    GroupUpdated = "group.updated";
    /// Members came into a group or left it.
    GroupMembersChanged = "group.members_changed";
    /// A group is gone.
    GroupDeleted = "group.deleted";
    /// A setting came into being.
    SettingAdded = "setting.added";
    /// A setting changed.
    SettingChanged = "setting.changed";
    /// A setting is gone.
    SettingRemoved = "setting.removed";
    /// A mapping came into being.
    MappingAdded = "mapping.added";
    /// A mapping says something else, or stands elsewhere.
    MappingChanged = "mapping.changed";
    /// A mapping is gone.
    MappingRemoved = "mapping.removed";
    /// A token was made.
    TokenCreated = "token.created";
    /// A token was revoked.
    TokenRevoked = "token.revoked";
}

/// One fact; its number, time and actor come from where it is written.
#[derive(Debug, Clone)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The user that it happened to, if it is about one.
    pub user: Option<UserId>,
    /// What a consumer needs to follow along, as JSON text. Never a secret, never an undeclared attribute's value.
    pub data: String,
}
