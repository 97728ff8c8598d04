//! One list that mints all typed ids, so that no id can stand where another belongs.

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// The id in `text`, if it is a UUID as Provost writes it: small letters, four hyphens. Case counts
            /// (RFC 7643 section 3.1).
            pub fn parse(text: &str) -> Option<Self> {
                let is_ours = text.len() == 36 && !text.bytes().any(|byte| byte.is_ascii_uppercase());
                uuid::Uuid::try_parse(text).ok().filter(|_| is_ours).map(Self)
            }

            /// When it was minted (UUID version 7, RFC 9562 section 5.7); the epoch for one that does not say.
            pub fn minted_at(&self) -> jiff::Timestamp {
                let said = self.0.get_timestamp().map(|at| at.to_unix());
                let (seconds, nanoseconds) = said.unwrap_or_default();
                let whole = i64::try_from(seconds).unwrap_or_default();
                jiff::Timestamp::new(whole, nanoseconds.cast_signed()).unwrap_or_default()
            }

            /// The sixteen bytes that the database keeps.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// The id in sixteen bytes from the database.
            pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
                uuid::Uuid::from_slice(bytes).ok().map(Self)
            }
        }

        impl From<uuid::Uuid> for $name {
            fn from(uuid: uuid::Uuid) -> Self {
                Self(uuid)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a UUID"))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    )*};
}

ids! {
    /// A customer organisation.
    TenantId;
    /// An app integration in an identity provider.
    ConnectionId;
    /// A named set of settings for users.
    ProfileId;
    /// A named place where users' data live.
    StorageId;
    /// A rule that places users.
    MappingId;
    /// A custom attribute that an administrator declared.
    AttributeId;
    /// A bearer token of a connection; not the secret.
    TokenId;
    /// A key of the management API; not the secret.
    KeyId;
    /// A person who signs in.
    AdministratorId;
    /// Somebody's being signed in; not the secret.
    SessionId;
    /// An account in the directory; the SCIM `id`.
    UserId;
    /// A group; the SCIM `id`.
    GroupId;
}
