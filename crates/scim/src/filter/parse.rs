//! Text to tree, by recursive descent: `or` binds weakest, then `and`, then `not`. Every malformed filter gets an
//! error with its position and what was expected there.

use crate::{AttributePath, Error, Kind};

use super::{Filter, Literal, MAX_BYTES, MAX_DEPTH, Operator, Quotes};

impl Filter {
    /// Reads a whole filter.
    ///
    /// # Errors
    /// `invalidFilter`; the position counts characters from 1.
    pub fn parse(text: &str, quotes: Quotes) -> Result<Self, Error> {
        if text.len() > MAX_BYTES {
            let detail = format!(
                "The filter is {} bytes long; {MAX_BYTES} is the most.",
                text.len()
            );
            return Err(Error::new(Kind::InvalidFilter, detail));
        }
        let mut parser = Parser {
            text,
            at: 0,
            depth: 0,
            quotes,
        };
        let filter = parser.or()?;
        parser.blanks();
        if parser.at < text.len() {
            Err(parser.expected("\"and\", \"or\" or the end"))
        } else {
            Ok(filter)
        }
    }

    /// Reads the filter of a value path, from just behind `[`; also gives the text behind the `]`.
    pub(crate) fn parse_element(text: &str) -> Result<(Self, &str), Error> {
        let mut parser = Parser {
            text,
            at: 0,
            depth: 1,
            quotes: Quotes::Required,
        };
        let filter = parser.or()?;
        parser.token("]", "\"]\"")?;
        Ok((filter, &text[parser.at..]))
    }
}

struct Parser<'t> {
    text: &'t str,
    /// Byte offset of what is read next.
    at: usize,
    depth: usize,
    quotes: Quotes,
}

impl<'t> Parser<'t> {
    fn or(&mut self) -> Result<Filter, Error> {
        let mut left = self.and()?;
        while self.keyword("or") {
            left = Filter::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Filter, Error> {
        let mut left = self.term()?;
        while self.keyword("and") {
            left = Filter::And(Box::new(left), Box::new(self.term()?));
        }
        Ok(left)
    }

    fn term(&mut self) -> Result<Filter, Error> {
        self.blanks();
        if self.rest().starts_with('(') {
            return self.parenthesised();
        }
        let start = self.at;
        if self.keyword("not") {
            self.blanks();
            if self.rest().starts_with('(') {
                return Ok(Filter::Not(Box::new(self.parenthesised()?)));
            }
            self.at = start;
        }
        self.comparison()
    }

    fn parenthesised(&mut self) -> Result<Filter, Error> {
        self.nested(|parser| {
            parser.token("(", "\"(\"")?;
            let inner = parser.or()?;
            parser.token(")", "\")\"")?;
            Ok(inner)
        })
    }

    fn comparison(&mut self) -> Result<Filter, Error> {
        let path = self.path()?;
        if self.rest().starts_with('[') {
            return self.nested(|parser| {
                parser.at += 1;
                let inner = parser.or()?;
                parser.token("]", "\"]\"")?;
                let inner = if parser.rest().starts_with('.') {
                    parser.part_of(inner)?
                } else {
                    inner
                };
                Ok(Filter::Element(path, Box::new(inner)))
            });
        }
        self.blanks();
        let start = self.at;
        let word = self.word(|c| c.is_ascii_alphabetic());
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(path));
        }
        let Some(operator) = Operator::parse(word) else {
            self.at = start;
            return Err(self.expected("an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr)"));
        };
        Ok(Filter::Compare(path, operator, self.literal()?))
    }

    /// `emails[type eq "work"].value eq "x"`, which Entra ID sends and the RFC does not have: both hold for one element.
    fn part_of(&mut self, element: Filter) -> Result<Filter, Error> {
        self.at += 1;
        let part = self.comparison()?;
        Ok(Filter::And(Box::new(element), Box::new(part)))
    }

    fn path(&mut self) -> Result<AttributePath, Error> {
        self.blanks();
        let start = self.at;
        let word = self.word(|c| c.is_alphanumeric() || "-_$:./".contains(c));
        AttributePath::parse(word).map_err(|_| {
            self.at = start;
            self.expected("an attribute")
        })
    }

    fn literal(&mut self) -> Result<Literal, Error> {
        self.blanks();
        if self.rest().starts_with('"') {
            return self.string();
        }
        let start = self.at;
        let word = self.word(|c| !c.is_whitespace() && !matches!(c, ')' | ']' | '('));
        let literal = match word {
            "" => None,
            word if word.eq_ignore_ascii_case("true") => Some(Literal::Boolean(true)),
            word if word.eq_ignore_ascii_case("false") => Some(Literal::Boolean(false)),
            word if word.eq_ignore_ascii_case("null") => Some(Literal::Null),
            word => match serde_json::from_str(word) {
                Ok(number) => Some(Literal::Number(number)),
                Err(_) if self.quotes == Quotes::Optional => Some(Literal::Text(word.to_owned())),
                Err(_) => None,
            },
        };
        literal.ok_or_else(|| {
            self.at = start;
            self.expected("a value: a string in double quotes, a number, true, false or null")
        })
    }

    fn string(&mut self) -> Result<Literal, Error> {
        let mut stream = serde_json::Deserializer::from_str(self.rest()).into_iter::<String>();
        match stream.next() {
            Some(Ok(text)) => {
                self.at += stream.byte_offset();
                Ok(Literal::Text(text))
            }
            _ => Err(self.expected("a string with its closing double quote (\\\" stands for a quote in it)")),
        }
    }

    fn nested(&mut self, inner: impl FnOnce(&mut Self) -> Result<Filter, Error>) -> Result<Filter, Error> {
        if self.depth == MAX_DEPTH {
            return Err(self.expected("no nesting deeper than 32"));
        }
        self.depth += 1;
        let filter = inner(self);
        self.depth -= 1;
        filter
    }

    /// Takes the word `name` if it comes next and ends there.
    fn keyword(&mut self, name: &str) -> bool {
        self.blanks();
        let rest = self.rest();
        let taken = rest
            .get(..name.len())
            .is_some_and(|word| word.eq_ignore_ascii_case(name))
            && rest[name.len()..].starts_with(|c: char| c.is_whitespace() || c == '(');
        if taken {
            self.at += name.len();
        }
        taken
    }

    fn token(&mut self, token: &str, description: &str) -> Result<(), Error> {
        self.blanks();
        if !self.rest().starts_with(token) {
            return Err(self.expected(description));
        }
        self.at += token.len();
        Ok(())
    }

    fn word(&mut self, belongs: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn blanks(&mut self) {
        self.word(char::is_whitespace);
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn expected(&self, what: &str) -> Error {
        let position = self.text[..self.at].chars().count() + 1;
        let found = match self.rest().chars().next() {
            Some(c) => format!("{c:?}"),
            None => "the end".to_owned(),
        };
        Error::new(
            Kind::InvalidFilter,
            format!("The filter cannot be read at position {position}: expected {what}, found {found}."),
        )
        .at(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(text: &str) -> String {
        Filter::parse(text, Quotes::Required).unwrap().to_string()
    }

    fn refusal(text: &str) -> String {
        Filter::parse(text, Quotes::Required).unwrap_err().detail
    }

    #[test]
    fn and_binds_tighter_than_or() {
        assert_eq!(printed("a pr or b pr and c pr"), "a pr or b pr and c pr");
        assert_eq!(printed("(a pr or b pr) AND c pr"), "(a pr or b pr) and c pr");
        assert_eq!(printed("not(a pr)"), "not (a pr)");
    }

    #[test]
    fn reads_the_examples_of_the_rfc() {
        for text in [
            r#"userName eq "bjensen""#,
            r#"name.familyName co "O'Malley""#,
            r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
            r#"meta.lastModified gt "2011-05-13T04:42:34Z""#,
            r#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#,
            r#"userType eq "Employee" and emails[type eq "work" and value co "@example.com"]"#,
            r#"emails[type eq "work"] or ims[type eq "xmpp"]"#,
            "active eq true and not (age lt 4.5)",
        ] {
            assert_eq!(printed(text), text);
        }
    }

    #[test]
    fn says_where_and_what_was_expected() {
        assert_eq!(
            refusal("userName eq"),
            "The filter cannot be read at position 12: expected a value: a string in double quotes, a number, true, \
             false or null, found the end."
        );
        assert!(
            refusal(r#"userName is "a""#)
                .starts_with("The filter cannot be read at position 10: expected an operator")
        );
        assert!(
            refusal(r#"userName eq "a" xor"#).contains("position 17: expected \"and\", \"or\" or the end")
        );
        assert!(refusal(r#"emails[type eq "work""#).contains("expected \"]\", found the end"));
        assert!(refusal("").contains("position 1: expected an attribute"));
        assert!(refusal(&"(".repeat(40)).contains("deeper than 32"));
        assert!(refusal(&"a".repeat(9000)).contains("8192 is the most"));
    }

    #[test]
    fn reads_the_value_path_that_entra_sends() {
        assert_eq!(
            printed(r#"emails[type eq "work"].value eq "a@b.c" and active eq true"#),
            r#"emails[type eq "work" and value eq "a@b.c"] and active eq true"#
        );
    }

    #[test]
    fn a_bare_word_is_a_string_only_where_that_is_allowed() {
        assert!(refusal("externalId eq jyoung").contains("position 15"));
        let filter = Filter::parse("externalId eq jyoung", Quotes::Optional).unwrap();
        assert_eq!(filter.to_string(), r#"externalId eq "jyoung""#);
    }
}
