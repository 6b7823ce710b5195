//! Owns the table of routes: a route is added together with its documentation, so that none goes without.
//!
//! It must never know what a route does.

use axum::{
    Router,
    handler::Handler,
    routing::{MethodFilter, on},
};
use utoipa::openapi::HttpMethod;

use crate::{openapi::Doc, state::AppState};

/// Routes and what is written about them.
pub(crate) struct Routes {
    tag: &'static str,
    router: Router<AppState>,
    documented: Vec<Documented>,
}

/// A route for the reader. What is written about it is made only when somebody asks.
pub(crate) struct Documented {
    pub(crate) method: HttpMethod,
    pub(crate) path: &'static str,
    pub(crate) tag: &'static str,
    pub(crate) doc: fn() -> Doc,
}

impl Routes {
    /// Makes an empty table; its routes are listed under this tag.
    pub(crate) fn new(tag: &'static str) -> Self {
        Self {
            tag,
            router: Router::new(),
            documented: Vec::new(),
        }
    }

    /// Adds the routes of another table.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.documented.extend(other.documented);
        self
    }

    /// Adds a `GET`, which is also the answer to `HEAD`.
    pub(crate) fn get<H: Handler<T, AppState>, T: 'static>(
        self,
        path: &'static str,
        handler: H,
        doc: fn() -> Doc,
    ) -> Self {
        self.add(HttpMethod::Get, MethodFilter::GET, path, handler, doc)
    }

    /// Adds a `POST`.
    pub(crate) fn post<H: Handler<T, AppState>, T: 'static>(
        self,
        path: &'static str,
        handler: H,
        doc: fn() -> Doc,
    ) -> Self {
        self.add(HttpMethod::Post, MethodFilter::POST, path, handler, doc)
    }

    /// Adds a `PUT`.
    pub(crate) fn put<H: Handler<T, AppState>, T: 'static>(
        self,
        path: &'static str,
        handler: H,
        doc: fn() -> Doc,
    ) -> Self {
        self.add(HttpMethod::Put, MethodFilter::PUT, path, handler, doc)
    }

    /// Adds a `DELETE`.
    pub(crate) fn delete<H: Handler<T, AppState>, T: 'static>(
        self,
        path: &'static str,
        handler: H,
        doc: fn() -> Doc,
    ) -> Self {
        self.add(HttpMethod::Delete, MethodFilter::DELETE, path, handler, doc)
    }

    pub(crate) fn into_router(self) -> Router<AppState> {
        self.router
    }

    pub(crate) fn into_documented(self) -> Vec<Documented> {
        self.documented
    }

    fn add<H: Handler<T, AppState>, T: 'static>(
        mut self,
        method: HttpMethod,
        filter: MethodFilter,
        path: &'static str,
        handler: H,
        doc: fn() -> Doc,
    ) -> Self {
        self.router = self.router.route(path, on(filter, handler));
        self.documented.push(Documented {
            method,
            path,
            tag: self.tag,
            doc,
        });
        self
    }
}
