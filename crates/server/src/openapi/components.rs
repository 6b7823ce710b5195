//! Owns the schemas that the document's routes refer to, each once under its name.
//!
//! It must never know a route.

use std::collections::BTreeMap;

use utoipa::{
    ToSchema,
    openapi::{
        Components as Built, ComponentsBuilder, Ref, RefOr, Schema, security::SecurityScheme,
    },
};

/// Collects schemas and security schemes.
#[derive(Default)]
pub(super) struct Components {
    schemas: BTreeMap<String, RefOr<Schema>>,
    security: BTreeMap<&'static str, SecurityScheme>,
}

impl Components {
    /// Adds schemas with their names.
    pub(super) fn add(&mut self, schemas: impl IntoIterator<Item = (String, RefOr<Schema>)>) {
        self.schemas.extend(schemas);
    }

    pub(super) fn add_security(&mut self, name: &'static str, scheme: SecurityScheme) {
        self.security.insert(name, scheme);
    }

    pub(super) fn build(self) -> Built {
        let with_schemas = self
            .schemas
            .into_iter()
            .fold(ComponentsBuilder::new(), |built, (name, schema)| {
                built.schema(name, schema)
            });
        let with_all = self
            .security
            .into_iter()
            .fold(with_schemas, |built, (name, scheme)| {
                built.security_scheme(name, scheme)
            });
        with_all.build()
    }
}

/// Returns a schema and all that it refers to, with their names.
pub(super) fn with_parts<T: ToSchema>() -> Vec<(String, RefOr<Schema>)> {
    let mut schemas = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut schemas);
    schemas
}

/// Refers to a schema by its name.
pub(super) fn reference<T: ToSchema>() -> RefOr<Schema> {
    Ref::from_schema_name(T::name()).into()
}
