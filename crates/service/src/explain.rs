//! Why a person gets what they get: every mapping in order, what it says and what it looked at.

use directory::{Answer, Carries, ConnectionId, Record, Settings, Subject, judge};
use scim::{Admitted, Object};
use serde_json::{Value, json};

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
pub fn of_user(settings: &Settings, record: &Record) -> Vec<Explained> {
    let user = record.clone().open();
    let subject = Subject {
        schemas: &settings.schemas,
        connection: user.facts.connection,
        attributes: &user.shown_attributes(),
        undeclared: &Object::new(),
        carries: Carries::Changes,
    };
    explained(settings, &subject)
}

/// The mappings for a create with this body.
pub fn of_body(settings: &Settings, sent: &Admitted, connection: Option<ConnectionId>) -> Vec<Explained> {
    let subject = Subject {
        schemas: &settings.schemas,
        connection,
        attributes: &sent.attributes,
        undeclared: &sent.undeclared,
        carries: Carries::Everything,
    };
    explained(settings, &subject)
}

fn explained(settings: &Settings, subject: &Subject<'_>) -> Vec<Explained> {
    let mut open = true;
    let one = |mapping| {
        let judged = judge(mapping, subject);
        let decides = open && matches!(judged.answer, Answer::Matched | Answer::Unknown);
        open &= !decides;
        let looked: Vec<_> = judged.looked.iter().map(ToString::to_string).collect();
        Explained {
            position: mapping.position,
            name: mapping.name.to_string(),
            condition: mapping.condition.to_string(),
            answer: judged.answer,
            decides,
            because: looked.join("; "),
        }
    };
    settings.mappings.iter().map(one).collect()
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
