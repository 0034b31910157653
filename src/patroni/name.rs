//! The member's own name, even if Patroni before 3.2 does not report it.

use super::{Cluster, Patroni, PatroniError};
use crate::http::Http;
use crate::model::Role;

/// The name of the member at this address: from `/patroni`; or the leader's, if this member says that it leads;
/// or that of the member whose `api_url` is this address. `None` if none of these is available.
pub async fn own_name<H: Http>(patroni: &Patroni<'_, H>) -> Result<Option<String>, PatroniError> {
    if let Some(name) = patroni.node().await?.name {
        return Ok(Some(name));
    }
    Ok(name_in(&patroni.cluster().await?, patroni).await)
}

/// The name of the member at this address, which does not report it, from the members of its cluster.
pub async fn name_in<H: Http>(cluster: &Cluster, patroni: &Patroni<'_, H>) -> Option<String> {
    if patroni
        .lease(Role::Primary)
        .await
        .is_ok_and(|lease| lease.held)
        && let Some(leader) = cluster.leader()
    {
        return Some(leader.name.clone());
    }
    at(cluster, patroni.url().as_str())
}

fn at(cluster: &Cluster, url: &str) -> Option<String> {
    let same = |api_url: &String| authority(api_url) == authority(url);
    let member = cluster
        .members
        .iter()
        .find(|member| member.api_url.as_ref().is_some_and(same))?;
    Some(member.name.clone())
}

/// Host and port.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}
