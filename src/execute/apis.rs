//! The versions of the pg-backup-apis behind each address.

use std::time::Duration;

use crate::barman::{Class, Scope};
use crate::http::together;
use crate::model::ApiName;

use super::World;

/// The time limit for an answer.
const LIMIT: Duration = Duration::from_secs(10);

/// A pg-backup-api, as far as it can be identified: no answer contains its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiSeen {
    /// Its name in the rules.
    pub name: ApiName,
    /// Its version, or the reason why it does not answer.
    pub version: Result<&'static str, String>,
}

/// Asks each of these APIs, concurrently.
pub async fn apis<W: World>(names: &[ApiName], world: &W) -> Vec<ApiSeen> {
    let ask = async |name: &ApiName| {
        let barman = world.barman(name)?.within(LIMIT);
        let version = match barman.operations(&Scope::Instance).await {
            Ok(_) => Ok("2.1.0 or later"),
            // Older ones have only recoveries, and so no list of other operations.
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
