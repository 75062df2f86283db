//! `/api/v1/secrets`: sealed values, which can be written and never read.

use axum::{
    extract::State,
    http::{StatusCode, Uri},
    response::Response,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_flows::run::rfc3339;

use super::{
    App, WORKSPACE,
    connections::check_name,
    extract::{Input, Path, Query},
    list::{Items, Page},
    problem::{Answer, Code, Problem},
};
use crate::secrets::Secret;

/// The longest secret, in bytes.
const LONGEST: usize = 64 << 10;

/// A secret as lists show it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SecretSummary {
    /// Its name.
    #[schema(example = "erp-key")]
    name: String,
    /// When it was written last.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// A value to seal.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretValue {
    /// The value.
    #[schema(format = Password, min_length = 1)]
    value: String,
}

/// List secrets
///
/// Their names. The values cannot be read.
#[utoipa::path(get, path = "/api/v1/secrets", tag = "Secrets", operation_id = "list_secrets", params(Page),
    responses((status = 200, description = "A page of secrets.", body = Items<SecretSummary>)))]
pub(super) async fn list(
    State(app): State<App>,
    uri: Uri,
    Query(page): Query<Page>,
) -> Answer<Response> {
    let limit = page.limit()?;
    let secrets = app
        .engine()
        .store()
        .secrets(WORKSPACE, page.after(), limit + 1)
        .await?;
    let items = secrets.into_iter().map(|secret| SecretSummary {
        name: secret.name,
        updated_at: rfc3339(secret.updated_at),
    });
    Ok(Items::of(items.collect(), limit, |last| last.name.clone()).answer(&uri))
}

/// Write a secret
///
/// Seals the value and stores it, in place of an earlier one. Attempts that start from now on use it.
#[utoipa::path(put, path = "/api/v1/secrets/{name}", tag = "Secrets", operation_id = "write_secret",
    params(("name" = String, Path, description = "The name of the secret.", example = "erp-key")),
    request_body = SecretValue,
    responses((status = 204, description = "It is sealed and stored."), (status = 422, description = "The name or the value cannot be one.")))]
pub(super) async fn replace(
    State(app): State<App>,
    Path(name): Path<String>,
    Input(input): Input<SecretValue>,
) -> Answer<StatusCode> {
    check_name("secret", &name)?;
    let secret = Secret::new(input.value);
    if secret.expose().is_empty() || secret.expose().len() > LONGEST {
        return Err(Problem::new(
            Code::InvalidBody,
            format!("`value` must have 1 to {LONGEST} bytes"),
        ));
    }
    app.engine().put_secret(WORKSPACE, &name, &secret).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Delete a secret
///
/// Connections and triggers that still name it refuse until there is one of this name again.
#[utoipa::path(delete, path = "/api/v1/secrets/{name}", tag = "Secrets", operation_id = "delete_secret",
    params(("name" = String, Path, description = "The name of the secret.", example = "erp-key")),
    responses((status = 204, description = "It is gone."), (status = 404, description = "There is no such secret.")))]
pub(super) async fn delete(State(app): State<App>, Path(name): Path<String>) -> Answer<StatusCode> {
    if app.engine().store().delete_secret(WORKSPACE, &name).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found(format!(
        "there is no secret `{name}`; see GET /api/v1/secrets"
    )))
}
