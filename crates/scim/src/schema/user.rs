//! The User schema and the enterprise extension, attribute by attribute (RFC 7643 sections 3.1, 4.1, 4.3 and 8.7.1).

use super::{
    Attribute, ENTERPRISE, Mutability, Returned, Schema, Type, USER, USER_PRINCIPAL_NAME, Uniqueness,
};

pub(super) fn core() -> Schema {
    let mut attributes = common();
    attributes.extend(single_valued());
    attributes.extend(multi_valued());
    Schema {
        id: USER.into(),
        name: "User".into(),
        description: "User Account".into(),
        attributes,
    }
}

pub(super) fn enterprise() -> Schema {
    let manager = vec![
        text("value", "The id of the SCIM resource that is the user's manager").case_exact(),
        Attribute {
            reference_types: &["User"],
            ..Attribute::new("$ref", Type::Reference, "The URI of the manager")
        },
        text("displayName", "The manager's display name").read_only(),
    ];
    Schema {
        id: ENTERPRISE.into(),
        name: "EnterpriseUser".into(),
        description: "Enterprise User".into(),
        attributes: vec![
            text(
                "employeeNumber",
                "Identifier that the organisation gave to the person",
            ),
            text("costCenter", "Name of a cost center"),
            text("organization", "Name of an organisation"),
            text("division", "Name of a division"),
            text("department", "Name of a department"),
            complex("manager", "The user's manager", manager),
        ],
    }
}

/// `id`, `externalId` and `meta` (section 3.1), which every resource has.
pub(super) fn common() -> Vec<Attribute> {
    vec![
        Attribute {
            returned: Returned::Always,
            uniqueness: Uniqueness::Server,
            ..text("id", "Identifier that Provost gave to the user; it never changes")
                .case_exact()
                .read_only()
        },
        text(
            "externalId",
            "Identifier that the identity provider gave to the user",
        )
        .case_exact(),
        complex(
            "meta",
            "What is known of the resource itself",
            vec![
                text("resourceType", "The resource's type")
                    .case_exact()
                    .read_only(),
                Attribute::new("created", Type::DateTime, "When it was created").read_only(),
                Attribute::new("lastModified", Type::DateTime, "When it was last changed").read_only(),
                Attribute {
                    reference_types: &["uri"],
                    ..Attribute::new("location", Type::Reference, "Its URI").read_only()
                },
                text("version", "Its version, an entity tag")
                    .case_exact()
                    .read_only(),
            ],
        )
        .read_only(),
    ]
}

fn single_valued() -> Vec<Attribute> {
    vec![
        Attribute {
            uniqueness: Uniqueness::Server,
            ..text(
                "userName",
                "The name that the user signs in with; unique whatever its case",
            )
            .required()
        },
        complex(
            "name",
            "The components of the user's name",
            vec![
                text("formatted", "The full name as it is shown"),
                text("familyName", "Family name, or last name"),
                text("givenName", "Given name, or first name"),
                text("middleName", "Middle names"),
                text("honorificPrefix", "Title, such as Dr."),
                text("honorificSuffix", "Suffix, such as III"),
            ],
        ),
        text("displayName", "The name that people see"),
        text("nickName", "What the user likes to be called"),
        Attribute {
            reference_types: &["external"],
            ..Attribute::new("profileUrl", Type::Reference, "URL of the user's page")
        },
        text("title", "Job title"),
        text(
            "userType",
            "How the user stands to the organisation, such as Contractor",
        ),
        text(
            "preferredLanguage",
            "Preferred language, as Accept-Language has it",
        ),
        text("locale", "Locale for formats, such as en-US"),
        text("timezone", "Time zone, such as Europe/Berlin"),
        Attribute::new(
            "active",
            Type::Boolean,
            "Whether the identity provider says that the user is active",
        ),
        Attribute {
            mutability: Mutability::WriteOnly,
            returned: Returned::Never,
            ..text("password", "Accepted and forgotten at once")
        },
        text(
            USER_PRINCIPAL_NAME,
            "The name that cloud applications know the user by; also taken in any extension",
        ),
    ]
}

fn multi_valued() -> Vec<Attribute> {
    vec![
        plural(
            "emails",
            "E-mail addresses",
            text("value", "E-mail address"),
            &["work", "home", "other"],
        ),
        plural(
            "phoneNumbers",
            "Telephone numbers",
            text("value", "Telephone number"),
            &["work", "home", "mobile", "fax", "pager", "other"],
        ),
        plural(
            "ims",
            "Instant messaging addresses",
            text("value", "Instant messaging address"),
            &["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"],
        ),
        plural(
            "photos",
            "URLs of pictures of the user",
            Attribute {
                reference_types: &["external"],
                ..Attribute::new("value", Type::Reference, "URL of a picture")
            },
            &["photo", "thumbnail"],
        ),
        addresses(),
        groups(),
        plural(
            "entitlements",
            "What the user is entitled to",
            text("value", "An entitlement"),
            &[],
        ),
        plural("roles", "What the user is", text("value", "A role"), &[]),
        plural(
            "x509Certificates",
            "Certificates of the user",
            Attribute::new("value", Type::Binary, "A DER certificate, base64"),
            &[],
        ),
    ]
}

fn addresses() -> Attribute {
    let parts = vec![
        text("formatted", "The whole address as it is shown"),
        text("streetAddress", "Street, house number, apartment"),
        text("locality", "City"),
        text("region", "State or region"),
        text("postalCode", "Postal code"),
        text("country", "Country"),
        kind(&["work", "home", "other"]),
        primary(),
    ];
    Attribute {
        multi_valued: true,
        ..complex("addresses", "Postal addresses", parts)
    }
}

fn groups() -> Attribute {
    let parts = vec![
        text("value", "The group's id").case_exact().read_only(),
        Attribute {
            reference_types: &["Group"],
            ..Attribute::new("$ref", Type::Reference, "The group's URI").read_only()
        },
        text("display", "The group's name").read_only(),
        kind(&["direct", "indirect"]).read_only(),
    ];
    Attribute {
        multi_valued: true,
        ..complex("groups", "Groups that the user belongs to", parts).read_only()
    }
}

/// A multi-valued attribute with the customary sub-attributes (section 2.4).
fn plural(
    name: &'static str,
    description: &'static str,
    value: Attribute,
    types: &'static [&'static str],
) -> Attribute {
    let parts = vec![value, text("display", "For people"), kind(types), primary()];
    Attribute {
        multi_valued: true,
        ..complex(name, description, parts)
    }
}

fn kind(types: &'static [&'static str]) -> Attribute {
    Attribute {
        canonical_values: types,
        ..text("type", "What the value is for")
    }
}

fn primary() -> Attribute {
    Attribute::new(
        "primary",
        Type::Boolean,
        "Whether this is the preferred value; true at most once",
    )
}

pub(super) fn text(name: &'static str, description: &'static str) -> Attribute {
    Attribute::new(name, Type::String, description)
}

pub(super) fn complex(
    name: &'static str,
    description: &'static str,
    sub_attributes: Vec<Attribute>,
) -> Attribute {
    Attribute {
        sub_attributes,
        ..Attribute::new(name, Type::Complex, description)
    }
}
