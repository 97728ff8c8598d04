//! Why a person gets what they get: every mapping in order, what it says and what it looked at.

use directory::{Answer, Carries, ConnectionId, Mapping, Record, Settings, Subject, judge};
use scim::{Admitted, Object};
use serde_json::{Value, json};
use store::Tx;

use crate::Error;

/// What one mapping says, in words.
#[derive(Debug, Clone)]
pub struct Explained {
    /// Place in the order, from 1.
    pub position: u32,
    /// The mapping's name.
    pub name: String,
    /// The condition in words.
    pub condition: String,
    /// What it says.
    pub answer: Answer,
    /// Whether it is the one that decides, or stops the search.
    pub decides: bool,
    /// What it looked at, in a sentence; empty where it looks at nothing.
    pub because: String,
}

/// The mappings for a user as it is kept: what was only in a request is unknown.
///
/// # Errors
/// The store's.
pub fn of_user(tx: &mut Tx<'_>, settings: &Settings, record: &Record) -> Result<Vec<Explained>, Error> {
    let user = record.clone().open();
    let groups = crate::groups::of_facts(tx, settings.tenant.id, &user.facts)?;
    let subject = Subject {
        schemas: &settings.schemas,
        connection: user.facts.connection,
        attributes: &user.shown_attributes(),
        undeclared: &Object::new(),
        groups: &groups,
        carries: crate::users::known_of(&user.facts),
        kept: Some((&settings.declared, user.facts.created)),
    };
    explained(tx, settings, &subject)
}

/// The mappings for a create with this body, which belongs to no group yet.
///
/// # Errors
/// The store's.
pub fn of_body(
    tx: &mut Tx<'_>,
    settings: &Settings,
    sent: &Admitted,
    connection: Option<ConnectionId>,
) -> Result<Vec<Explained>, Error> {
    let subject = Subject {
        schemas: &settings.schemas,
        connection,
        attributes: &sent.attributes,
        undeclared: &sent.undeclared,
        groups: &[],
        carries: Carries::Everything,
        kept: None,
    };
    explained(tx, settings, &subject)
}

fn explained(tx: &mut Tx<'_>, settings: &Settings, subject: &Subject<'_>) -> Result<Vec<Explained>, Error> {
    let mut open = true;
    let mut one = |mapping: &Mapping| {
        let judged = judge(mapping, subject);
        let decides = open && matches!(judged.answer, Answer::Matched | Answer::Unknown);
        open &= !decides;
        let looked: Vec<_> = judged.looked.iter().map(ToString::to_string).collect();
        Ok(Explained {
            position: mapping.position,
            name: mapping.name.to_string(),
            condition: crate::groups::in_words(tx, settings, &mapping.condition)?,
            answer: judged.answer,
            decides,
            because: looked.join("; "),
        })
    };
    settings.mappings.iter().map(&mut one).collect()
}

impl Explained {
    /// For programs.
    pub fn to_json(&self) -> Value {
        json!({
            "position": self.position,
            "mapping": self.name,
            "condition": self.condition,
            "answer": self.answer.name(),
            "decides": self.decides,
            "because": self.because,
        })
    }
}
