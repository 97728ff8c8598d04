//! Seeded people: names from many scripts, apostrophes, plus addresses, and characters that account names cannot have.

use fastrand::Rng;

use crate::Custom;

/// Given and family names that belong together.
const NAMES: [(&str, &str); 24] = [
    ("Ava", "Nguyen"),
    ("Siobhán", "O'Brien"),
    ("José", "García-Márquez"),
    ("Zoë", "D'Angelo"),
    ("Jürgen", "Groß"),
    ("Łukasz", "Wójcik"),
    ("Анна", "Каренина"),
    ("Дмитро", "Шевченко"),
    ("Ελένη", "Παπαδοπούλου"),
    ("محمد", "الفاسي"),
    ("נועה", "לוי"),
    ("अनन्या", "शर्मा"),
    ("สมชาย", "ใจดี"),
    ("小龙", "李"),
    ("さくら", "田中"),
    ("민준", "김"),
    ("Nguyễn", "Thị Ánh"),
    ("Þórdís", "Björnsdóttir"),
    ("Göksu", "İpek"),
    ("Ọláyínká", "Adébáyọ̀"),
    ("Mary Jane", "van der Berg"),
    ("Tane", "Ngāta"),
    ("Gizem", "Çelik"),
    ("Ruaridh", "MacDhòmhnaill"),
];

const DEPARTMENTS: [&str; 5] = ["Sales", "Engineering", "R&D", "Finance, Legal", "People \"Ops\""];
const TITLES: [&str; 4] = ["Manager", "Engineer", "Analyst / Lead", "Directrice générale"];

/// Somebody in the identity provider's directory.
#[derive(Debug, Clone)]
pub struct Person {
    /// The identity provider's id.
    pub external_id: String,
    /// The name to sign in with.
    pub user_name: String,
    /// The address.
    pub email: String,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// Job title.
    pub title: String,
    /// Department, in the enterprise extension.
    pub department: String,
    /// Custom attributes and their values.
    pub custom: Vec<(String, String)>,
}

/// So many people, the same ones for the same seed.
pub fn people(count: usize, seed: u64, custom: &[Custom]) -> Vec<Person> {
    let mut rng = Rng::with_seed(seed);
    (0..count)
        .map(|number| person(number, seed, custom, &mut rng))
        .collect()
}

fn person(number: usize, seed: u64, custom: &[Custom], rng: &mut Rng) -> Person {
    let (given_name, _) = NAMES[rng.usize(..NAMES.len())];
    let (same_given, family_name) = NAMES[rng.usize(..NAMES.len())];
    let given_name = if rng.bool() { given_name } else { same_given };
    let local = match number % 8 {
        1 => format!("user+tag.{seed}.{number}"),
        2 => format!("o'brien.{seed}.{number}"),
        3 => format!("Mixed.Case.{seed}.{number}"),
        4 => format!("odd*name?{seed}/{number}"),
        _ => format!("person.{seed}.{number}"),
    };
    let user_name = format!("{local}@example.com");
    let chosen = |attribute: &Custom| {
        (
            attribute.name.clone(),
            attribute.values[number % attribute.values.len()].clone(),
        )
    };
    Person {
        external_id: format!("00u{seed:x}{number:015x}"),
        email: if number % 5 == 4 {
            format!("mail.{seed}.{number}@example.com")
        } else {
            user_name.clone()
        },
        user_name,
        given_name: given_name.to_owned(),
        family_name: family_name.to_owned(),
        title: TITLES[rng.usize(..TITLES.len())].to_owned(),
        department: DEPARTMENTS[rng.usize(..DEPARTMENTS.len())].to_owned(),
        custom: custom.iter().map(chosen).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_people_and_no_name_twice() {
        let custom = [Custom {
            name: "countryCode".into(),
            values: vec!["DE".into(), "FR".into()],
        }];
        let (one, two) = (people(200, 7, &custom), people(200, 7, &custom));
        assert!(
            one.iter()
                .zip(&two)
                .all(|(a, b)| a.user_name == b.user_name && a.title == b.title)
        );
        let mut names: Vec<_> = one.iter().map(|person| person.user_name.to_lowercase()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 200);
        assert_eq!(one[1].custom, [("countryCode".to_owned(), "FR".to_owned())]);
    }
}
