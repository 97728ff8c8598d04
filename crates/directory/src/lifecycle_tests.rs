//! Transitions by themselves.

use super::*;

const OKTA: Mark<'static> = Mark {
    by: "Okta",
    at: Timestamp::UNIX_EPOCH,
    purge_days: 90,
};
const ADMINISTRATOR: Mark<'static> = Mark {
    by: "ada",
    at: Timestamp::UNIX_EPOCH,
    purge_days: 0,
};

#[test]
fn a_leaver_is_preserved_and_a_return_restores() {
    let left = Lifecycle::joined().deactivate(OKTA);
    assert_eq!(
        (left.status(), left.idp_state(), left.hold()),
        (Status::Preserved, IdpState::Inactive, Hold::None)
    );
    let purge_at = left.preservation().unwrap().purge_at.unwrap();
    assert_eq!(purge_at.as_second(), 90 * 86_400);
    let deleted = left.delete(Mark {
        purge_days: 1,
        ..OKTA
    });
    assert_eq!(
        deleted.preservation().unwrap().purge_at,
        Some(purge_at),
        "fixed when preserved"
    );
    assert_eq!(deleted.preservation().unwrap().cause, Cause::Deleted);
    assert!(!deleted.is_visible());
    assert_eq!(deleted.activate().unwrap(), Lifecycle::joined());
}

#[test]
fn no_word_of_a_provider_ends_an_administrators_hold() {
    let held = Lifecycle::joined().preserve(ADMINISTRATOR);
    assert_eq!(
        held.clone().activate().unwrap(),
        held,
        "a repeated word is no transition"
    );
    let inactive = held.clone().deactivate(OKTA);
    assert_eq!(inactive.preservation().unwrap().by, "ada");
    assert!(
        inactive
            .clone()
            .activate()
            .unwrap_err()
            .to_string()
            .contains("ada")
    );
    assert!(inactive.delete(OKTA).activate().is_err());
}

#[test]
fn an_administrator_ends_a_hold_but_not_the_providers_word() {
    let held = Lifecycle::joined().preserve(ADMINISTRATOR);
    assert_eq!(
        held.clone().release(Override::No, OKTA).unwrap(),
        Lifecycle::joined()
    );
    let inactive = held.deactivate(OKTA).release(Override::No, OKTA).unwrap();
    assert_eq!(
        (inactive.status(), inactive.hold()),
        (Status::Preserved, Hold::None)
    );
    assert!(inactive.clone().release(Override::No, OKTA).is_err());
    let over = inactive.release(Override::UntilNextWord, OKTA).unwrap();
    assert_eq!(
        (over.status(), over.idp_state()),
        (Status::Active, IdpState::Inactive)
    );
    assert_eq!(
        over.clone().deactivate(OKTA),
        over,
        "the same word again is no transition"
    );
    assert_eq!(over.clone().activate().unwrap(), Lifecycle::joined());
    assert_eq!(over.delete(OKTA).status(), Status::Preserved);
}

#[test]
fn a_held_user_waits_on_and_leaves_like_everybody() {
    let held = Lifecycle::joined().wait_for(Wait::Limit, Timestamp::UNIX_EPOCH);
    assert_eq!(
        (held.status(), held.idp_state(), held.hold()),
        (Status::Held, IdpState::Active, Hold::Limit)
    );
    assert_eq!(held.clone().activate().unwrap(), held);
    let later = held.clone().wait_for(Wait::Unmatched, Timestamp::MAX);
    assert_eq!(
        later,
        Lifecycle::Held {
            wait: Wait::Unmatched,
            since: Timestamp::UNIX_EPOCH,
            judged: None,
        }
    );
    assert_eq!(held.clone().deactivate(OKTA).status(), Status::Preserved);
    let preserved = held.preserve(ADMINISTRATOR);
    assert_eq!(
        (preserved.hold(), preserved.idp_state()),
        (Hold::Administrator, IdpState::Active)
    );
}

#[test]
fn a_staged_user_has_no_purge_date() {
    let staged = Lifecycle::staged(OKTA);
    assert_eq!(staged.preservation().unwrap().purge_at, None);
    assert_eq!(staged.delete(OKTA).preservation().unwrap().purge_at, None);
}
