//! Options that Barman does not have.

use crate::diagnostic::Code;
use crate::load::{Problem, Spot, nearest};
use crate::model::{OptionScope, RuleSet, TemplateValue};

/// The options of a server in Barman 3.10 to 3.14.
const OPTIONS: [&str; 106] = [
    "active",
    "archiver",
    "archiver_batch_size",
    "autogenerate_manifest",
    "aws_await_snapshots_timeout",
    "aws_profile",
    "aws_region",
    "aws_snapshot_lock_cool_off_period",
    "aws_snapshot_lock_duration",
    "aws_snapshot_lock_expiration_date",
    "aws_snapshot_lock_mode",
    "azure_credential",
    "azure_resource_group",
    "azure_subscription_id",
    "backup_compression",
    "backup_compression_format",
    "backup_compression_level",
    "backup_compression_location",
    "backup_compression_workers",
    "backup_directory",
    "backup_method",
    "backup_options",
    "bandwidth_limit",
    "basebackup_retry_sleep",
    "basebackup_retry_times",
    "basebackups_directory",
    "check_timeout",
    "cluster",
    "compression",
    "compression_level",
    "conninfo",
    "create_slot",
    "custom_compression_filter",
    "custom_compression_magic",
    "custom_decompression_filter",
    "description",
    "disabled",
    "encryption",
    "encryption_key_id",
    "encryption_passphrase_command",
    "errors_directory",
    "forward_config_path",
    "gcp_project",
    "gcp_zone",
    "immediate_checkpoint",
    "incoming_wals_directory",
    "keepalive_interval",
    "last_backup_maximum_age",
    "last_backup_minimum_size",
    "last_wal_maximum_age",
    "local_staging_path",
    "max_incoming_wals_queue",
    "minimum_redundancy",
    "network_compression",
    "parallel_jobs",
    "parallel_jobs_start_batch_period",
    "parallel_jobs_start_batch_size",
    "path_prefix",
    "post_archive_retry_script",
    "post_archive_script",
    "post_backup_retry_script",
    "post_backup_script",
    "post_delete_retry_script",
    "post_delete_script",
    "post_recovery_retry_script",
    "post_recovery_script",
    "post_wal_delete_retry_script",
    "post_wal_delete_script",
    "pre_archive_retry_script",
    "pre_archive_script",
    "pre_backup_retry_script",
    "pre_backup_script",
    "pre_delete_retry_script",
    "pre_delete_script",
    "pre_recovery_retry_script",
    "pre_recovery_script",
    "pre_wal_delete_retry_script",
    "pre_wal_delete_script",
    "primary_checkpoint_timeout",
    "primary_conninfo",
    "primary_ssh_command",
    "recovery_options",
    "recovery_staging_path",
    "retention_policy",
    "retention_policy_mode",
    "reuse_backup",
    "slot_name",
    "snapshot_disks",
    "snapshot_gcp_project",
    "snapshot_instance",
    "snapshot_provider",
    "snapshot_zone",
    "ssh_command",
    "streaming_archiver",
    "streaming_archiver_batch_size",
    "streaming_archiver_name",
    "streaming_backup_name",
    "streaming_conninfo",
    "streaming_wals_directory",
    "tablespace_bandwidth_limit",
    "wal_conninfo",
    "wal_retention_policy",
    "wal_streaming_conninfo",
    "wals_directory",
    "worm_mode",
    "xlogdb_directory",
];

/// The keys of a change that are not options.
const NO_OPTIONS: [&str; 3] = ["scope", "server_name", "model_name"];

/// One problem for each option that Barman does not know, or not in a model.
pub(super) fn problems(rules: &RuleSet) -> Vec<Problem> {
    let requests = rules.rules.iter().flat_map(|rule| &rule.requests);
    let values = requests.flat_map(|request| &request.body);
    let mut problems = Vec::new();
    for (key, value) in values {
        let TemplateValue::List(changes) = value else {
            continue;
        };
        if key == "changes" {
            for change in changes {
                of_change(change, &mut problems);
            }
        }
    }
    problems
}

fn of_change(change: &TemplateValue, problems: &mut Vec<Problem>) {
    let TemplateValue::Map(entries) = change else {
        return;
    };
    let scope = entries.iter().find_map(|(key, value)| match value {
        TemplateValue::Text(text) if key == "scope" => OptionScope::parse(&text.text),
        _ => None,
    });
    for (option, value) in entries {
        let TemplateValue::Text(template) = value else {
            continue;
        };
        if NO_OPTIONS.contains(&option.as_str()) {
            continue;
        }
        let problem = |message: String| {
            Problem::new(Code::UnknownOption, Spot::key(&template.origin), message)
        };
        if !is_known(option, scope) {
            let message = format!("Barman 3.10 to 3.14 has no option `{option}`");
            let near = nearest(option, OPTIONS);
            let help = near.map_or_else(
                || "see `man 5 barman` for the options of a server".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            problems.push(problem(message).help(help));
        } else if scope == Some(OptionScope::Model) && is_of_servers(option) {
            let message = format!("a model of Barman can't have the option `{option}`");
            problems.push(problem(message).help("set it for the server: `scope: server`"));
        }
    }
}

fn is_known(option: &str, scope: Option<OptionScope>) -> bool {
    let model = option == "model" && scope != Some(OptionScope::Server);
    model || OPTIONS.binary_search(&option).is_ok()
}

/// Returns true if only a server may have the option: directories and scripts.
fn is_of_servers(option: &str) -> bool {
    option.ends_with("_directory") || option.ends_with("_script")
}

#[cfg(test)]
mod tests {
    use super::OPTIONS;

    #[test]
    fn the_options_are_sorted() {
        assert!(OPTIONS.is_sorted());
    }
}
