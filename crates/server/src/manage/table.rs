//! The one table of what the management API does: routes, permissions and documentation come from it.

use axum::Router;
use axum::routing::{delete, get, patch, post, put};
use directory::Action;

use super::{
    administrators, bulk, connections, events, exchanges, groups, health, mappings, places, reports, session,
    tenant, users,
};
use crate::app::App;

/// One thing that can be asked for.
pub(super) struct Operation {
    /// The method, in small letters.
    pub(super) method: &'static str,
    /// The path below the API, with its parameters in braces.
    pub(super) path: &'static str,
    /// The handler's name, by its module; unique.
    pub(super) id: &'static str,
    /// What the caller must be allowed to do; `None` where anybody may, or whoever has signed in.
    pub(super) action: Option<Action>,
    /// The same in a word: an action, `Anybody` or `Signed`.
    pub(super) right: &'static str,
    /// What it does.
    pub(super) summary: &'static str,
    /// Names of the query's parameters.
    pub(super) query: &'static [&'static str],
    /// The schema of the body, where one is taken.
    pub(super) body: Option<&'static str>,
    /// The status of an answer that is no refusal.
    pub(super) status: u16,
    /// The schema of that answer; nothing where it has no body.
    pub(super) answer: Option<&'static str>,
}

impl Operation {
    /// The group that it is shown in.
    pub(super) fn tag(&self) -> &'static str {
        match self.path.split('/').nth(1).unwrap_or_default() {
            "bulk" | "namesakes" => "users",
            "event-export" | "acknowledgements" => "events",
            "mapping" => "mappings",
            "refusals" => "exchanges",
            "tokens" => "connections",
            "sessions" | "invitation" => "session",
            first => first,
        }
    }
}

macro_rules! maybe {
    () => {
        None
    };
    ($name:ident) => {
        Some(stringify!($name))
    };
}

macro_rules! action {
    (Anybody) => {
        None
    };
    (Signed) => {
        None
    };
    ($action:ident) => {
        Some(Action::$action)
    };
}

macro_rules! table {
    ($($method:ident $path:literal $($handler:ident)::+ ($right:ident $(, ?$query:ident)* $(, $body:ident)?)
        -> $status:literal $($answer:ident)?, $summary:literal;)*) => {
        /// All routes.
        pub(super) fn routes() -> Router<App> {
            Router::new()$(.route($path, $method($($handler)::+)))*
        }

        /// The same, described.
        pub(super) const OPERATIONS: &[Operation] = &[$(Operation {
            method: stringify!($method),
            path: $path,
            id: stringify!($($handler)::+),
            action: action!($right),
            right: stringify!($right),
            summary: $summary,
            query: &[$(stringify!($query)),*],
            body: maybe!($($body)?),
            status: $status,
            answer: maybe!($($answer)?),
        },)*];
    };
}

table! {
    get "/events" events::read(ReadEvents, ?after, ?types, ?limit, ?wait) -> 200 EventPage,
        "Everything that happened, in the order of the commits, from a cursor on; waits for what comes next where asked to.";

    get "/event-export" events::export(ReadEvents, ?after, ?types) -> 200,
        "The same to the last event, an object a line (NDJSON).";
    post "/acknowledgements" events::acknowledge(AcknowledgeEvents, Done) -> 204,
        "Says that a consumer has done its part for events; a user's history shows when.";

    get "/users" users::list(ReadUsers, ?search, ?status, ?hold, ?profile, ?storage, ?mapping, ?connection, ?legalHold, ?cursor, ?limit) -> 200 UserPage,
        "Users, in the order in which they were created, preserved and deleted ones too.";
    post "/users" users::create(ChangeUsers, NewUser) -> 201 User,
        "Adds a user whom no identity provider manages, until one finds it.";
    post "/bulk/users" bulk::change(PreserveUsers, Bulk) -> 200 BulkOutcome,
        "Does one thing to at most 500 users, each on its own; with dryRun it says who is meant.";
    get "/users/{user}" users::show(ReadUsers) -> 200 User,
        "One user, by id, userName, account name or e-mail address.";
    get "/users/{user}/events" events::of_user(ReadEvents, ?after, ?types, ?limit) -> 200 EventPage,
        "A user's history.";
    get "/users/{user}/exchanges" exchanges::of_user(ReadExchanges, ?cursor, ?limit) -> 200 ExchangePage,
        "What identity providers sent about a user, newest first.";
    get "/users/{user}/explain" users::explain(ReadUsers) -> 200 Explanation,
        "What each mapping says of a user, and why.";
    post "/users/{user}/preserve" users::preserve(PreserveUsers, Nothing) -> 200 User,
        "Preserves the account, whatever the identity provider says later.";
    post "/users/{user}/activate" users::activate(PreserveUsers, Activation) -> 200 User,
        "Ends a preservation.";
    post "/users/{user}/place" users::place(ChangeUsers, Place) -> 200 User,
        "Sets profile, storage or quota by hand, and pins what it sets.";
    post "/users/{user}/unpin" users::unpin(ChangeUsers, Nothing) -> 200 User,
        "Lets the mappings decide again at the user's next update.";
    post "/users/{user}/transfer" users::transfer(ChangeUsers, Transfer) -> 200 User,
        "Puts the user under another connection.";
    post "/users/{user}/resolve" users::resolve(ChangeUsers, Resolution) -> 200 User,
        "Says whom the name of a preserved user belongs to.";
    put "/users/{user}/legal-hold" users::hold(ChangeUsers) -> 200 User,
        "Forbids to purge the user.";
    delete "/users/{user}/legal-hold" users::lift(ChangeUsers) -> 200 User,
        "Allows it again.";
    post "/users/{user}/delete" users::delete(ChangeUsers, Farewell) -> 200 Purged,
        "Removes the person for good, with a reason that is kept.";
    get "/namesakes" users::namesakes(ReadUsers) -> 200 Namesakes,
        "Users who have a name that somebody else had before.";

    get "/groups" groups::list(ReadUsers, ?connection, ?cursor, ?limit) -> 200 GroupPage,
        "The groups that identity providers pushed.";
    get "/groups/{group}" groups::show(ReadUsers) -> 200 Group,
        "One group with its first 500 members, by id or name.";

    get "/exchanges" exchanges::list(ReadExchanges, ?connection, ?refused, ?cursor, ?limit) -> 200 ExchangePage,
        "The provisioning log: what identity providers sent and were answered, newest first.";
    get "/exchanges/{id}" exchanges::show(ReadExchanges) -> 200 Exchange,
        "One exchange with the body that came, by the number of the request.";
    get "/refusals" exchanges::refused(ReadExchanges, ?cursor, ?limit) -> 200 RefusalPage,
        "The people whom a refusal keeps out, and which mapping would place each now.";
    delete "/refusals/{id}" exchanges::dismiss(DismissRefusals) -> 204,
        "Puts a person's refusal aside, until the next one.";

    get "/reports" reports::list(ReadUsers) -> 200 Reports,
        "The reports that there are.";
    get "/reports/{report}" reports::show(ReadUsers, ?format) -> 200 ReportRows,
        "One report, all of it, as JSON, CSV or a spreadsheet; those that are not of users take the right to read settings too.";

    get "/connections" connections::list(ReadSettings) -> 200 Connections,
        "The identity providers' app integrations.";
    post "/connections" connections::add(ChangeSettings, NewConnection) -> 201 Connection,
        "Adds a connection; it needs a token before it can be used.";
    get "/connections/{name}" connections::show(ReadSettings) -> 200 Connection,
        "One connection.";
    patch "/connections/{name}" connections::set(ChangeSettings, ConnectionChange) -> 200 Connection,
        "Changes a connection.";
    delete "/connections/{name}" connections::remove(ChangeSettings) -> 200 Released,
        "Removes a connection with its tokens and groups; its users become manual.";
    get "/connections/{name}/health" health::show(ReadSettings) -> 200 Health,
        "When a connection was last heard of, how much goes wrong, whether it is quieter than usual, and what to do.";
    delete "/connections/{name}/alarm" health::end_alarm(ChangeSettings) -> 204,
        "Says that those who left at once have left indeed; users are purged again when their date comes.";
    post "/connections/{name}/tokens" connections::create_token(ChangeSettings, Lifetime) -> 201 NewToken,
        "Makes a token; its secret is in this answer and never again. The one before stays alive for the grace.";
    get "/tokens" connections::tokens(ReadSettings) -> 200 Tokens,
        "The tokens of all connections, without their secrets.";
    delete "/tokens/{id}" connections::revoke(ChangeSettings) -> 204,
        "Ends a token at once.";

    get "/profiles" places::profiles(ReadSettings) -> 200 Profiles,
        "The profiles, with how many users each has.";
    post "/profiles" places::add_profile(ChangeSettings, NewProfile) -> 201 Profile,
        "Adds a profile.";
    get "/profiles/{name}" places::show_profile(ReadSettings) -> 200 Profile,
        "One profile.";
    patch "/profiles/{name}" places::set_profile(ChangeSettings, ProfileChange) -> 200 Profile,
        "Changes a profile; its users follow at once.";
    delete "/profiles/{name}" places::remove_profile(ChangeSettings) -> 204,
        "Removes a profile that nobody has and no mapping gives.";
    get "/storages" places::storages(ReadSettings) -> 200 Storages,
        "The storages, with how many users each has.";
    post "/storages" places::add_storage(ChangeSettings, NewStorage) -> 201 Storage,
        "Adds a storage.";
    get "/storages/{name}" places::show_storage(ReadSettings) -> 200 Storage,
        "One storage.";
    patch "/storages/{name}" places::set_storage(ChangeSettings, StorageChange) -> 200 Storage,
        "Changes a storage.";
    delete "/storages/{name}" places::remove_storage(ChangeSettings) -> 204,
        "Removes a storage that nobody has and no mapping gives.";
    get "/attributes" places::attributes(ReadSettings) -> 200 Attributes,
        "The custom attributes that are declared.";
    post "/attributes" places::declare(ChangeSettings, NewAttribute) -> 201 Attribute,
        "Declares a custom attribute: it is stored and shown from each user's next update on.";

    get "/mappings" mappings::list(ReadSettings) -> 200 Mappings,
        "The mappings in their order, with how many users each placed.";
    post "/mappings" mappings::add(ChangeSettings, NewMapping) -> 201 Mapping,
        "Adds a mapping, above those for any user at the end unless a place is given.";
    post "/mapping/order" mappings::order(ChangeSettings, MappingOrder) -> 200 Mappings,
        "Brings all mappings into an order.";
    post "/mapping/try" mappings::try_out(ReadSettings, Trial) -> 200 Explanation,
        "What each mapping says of a person as an identity provider would send it. Nothing is kept.";
    post "/mapping/preview" mappings::preview(ReadSettings, MappingDraft) -> 200 Preview,
        "Which users would change, with the present mappings or with a draft. Nothing changes.";
    post "/mapping/apply" mappings::apply(ChangeSettings, ApplyFrom) -> 200 Applied,
        "Lets the mappings decide about the next hundred users who exist; go on with next until it is null.";
    get "/mappings/{name}" mappings::show(ReadSettings) -> 200 Mapping,
        "One mapping.";
    patch "/mappings/{name}" mappings::set(ChangeSettings, MappingChange) -> 200 Mapping,
        "Changes a mapping; users whom it placed keep what they have.";
    delete "/mappings/{name}" mappings::remove(ChangeSettings) -> 204,
        "Removes a mapping; users whom it placed keep what they have.";

    get "/tenant" tenant::show(ReadSettings) -> 200 Tenant,
        "The organisation's own settings.";
    patch "/tenant" tenant::set(ChangeSettings, TenantChange) -> 200 Tenant,
        "Changes them.";
    get "/keys" tenant::keys(ManageAccess) -> 200 Keys,
        "The API keys, without their secrets.";
    post "/keys" tenant::create_key(ManageAccess, NewKey) -> 201 MadeKey,
        "Makes an API key; its secret is in this answer and never again.";
    delete "/keys/{name}" tenant::revoke_key(ManageAccess) -> 204,
        "Ends an API key at once.";

    get "/administrators" administrators::list(ManageAccess) -> 200 Administrators,
        "Who signs in, and what each may do.";
    post "/administrators" administrators::invite(ManageAccess, NewAdministrator) -> 201 InvitedAdministrator,
        "Invites somebody; the invitation is in this answer and never again, and is good for seven days.";
    patch "/administrators/{administrator}" administrators::set(ManageAccess, AdministratorChange) -> 200 Administrator,
        "Changes an administrator's name, role or profiles.";
    delete "/administrators/{administrator}" administrators::remove(ManageAccess) -> 204,
        "Removes an administrator, who is signed out at once.";
    post "/administrators/{administrator}/invitation" administrators::invite_again(ManageAccess) -> 201 InvitedAdministrator,
        "Invites somebody again, who lost the password or the codes; what was there before is void.";

    post "/invitation" session::accept(Anybody, Acceptance) -> 201 SignedIn,
        "Takes the password of an invited person, and signs in.";
    post "/session" session::sign_in(Anybody, Credentials) -> 201 SignedIn,
        "Signs in with address and password, and with a one-time or recovery code where there are codes.";
    get "/session" session::show(Signed) -> 200 SignedIn,
        "Who has signed in.";
    delete "/session" session::sign_out(Signed) -> 204,
        "Signs out.";
    post "/session/password" session::change_password(Signed, NewPassword) -> 204,
        "Takes another password; all sessions of the person end.";
    post "/session/codes" session::propose_codes(Signed) -> 200 Proposal,
        "Proposes a secret for one-time codes; nothing is kept before a code confirms it.";
    put "/session/codes" session::confirm_codes(Signed, Confirmation) -> 200 RecoveryCodes,
        "Takes the secret, once a code of it and the password are right; gives recovery codes, once.";
    post "/session/codes/end" session::end_codes(Signed, PasswordAgain) -> 204,
        "Ends one-time codes.";
    get "/sessions" session::sessions(Signed) -> 200 Sessions,
        "Where the person is signed in.";
    delete "/sessions/{id}" session::end(Signed) -> 204,
        "Signs the person out elsewhere.";
}
