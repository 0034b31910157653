//! Which pg-backup-api answers at each address.

use std::time::Duration;

use crate::barman::{Class, Scope};
use crate::http::together;
use crate::model::ApiName;

use super::World;

/// How long one may take to answer.
const LIMIT: Duration = Duration::from_secs(10);

/// A pg-backup-api, as far as it tells of itself: it has no answer with its version in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiSeen {
    /// Its name in the rules.
    pub name: ApiName,
    /// Its version, or why it does not answer.
    pub version: Result<&'static str, String>,
}

/// Asks each of these APIs, side by side.
pub async fn apis<W: World>(names: &[ApiName], world: &W) -> Vec<ApiSeen> {
    let ask = async |name: &ApiName| {
        let barman = world.barman(name)?.within(LIMIT);
        let version = match barman.operations(&Scope::Instance).await {
            Ok(_) => Ok("2.1.0 or later"),
            // Older ones have no operations but recoveries, and so no list of the others.
            Err(trouble) if matches!(trouble.class, Class::Refused { .. }) => {
                Ok("older than 2.1.0")
            }
            Err(trouble) => Err(trouble.message),
        };
        Some(ApiSeen {
            name: name.clone(),
            version,
        })
    };
    let asked = names.iter().map(ask);
    together(asked.collect())
        .await
        .into_iter()
        .flatten()
        .collect()
}
