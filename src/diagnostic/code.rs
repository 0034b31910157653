//! The kinds of findings, each with a stable code.

use std::fmt;

use serde::Serialize;

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Severity {
    /// It can't work, or can never do what it says.
    Error,
    /// It works, but is probably a mistake.
    Warning,
    /// It is worth knowing.
    Note,
}

impl Severity {
    /// The word used in every output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Defines the list of codes. Once released, a code keeps its number and meaning.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $severity:ident, $title:literal;)+) => {
        /// A kind of finding.
        ///
        /// `PB0…` is about the file, `PB1…` about its shape, names, templates and requests, `PB2…` about
        /// the meaning of the rules, `PB3…` about test files, `PB4…` about the answers of Barman and Patroni
        /// (`check --online`).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The code as it is printed, for example `PB101`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// Its severity.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)+ }
            }

            /// The Markdown page about it.
            #[must_use]
            pub const fn explanation_text(self) -> &'static str {
                match self {
                    $(Self::$name => include_str!(concat!("explanations/", $code, ".md")),)+
                }
            }

            /// Its title, in a few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }
        }
    };
}

codes! {
    /// The text is not YAML.
    YamlSyntax = "PB001", Error, "the text is not YAML";
    /// A key occurs twice in one mapping.
    DuplicateKey = "PB002", Error, "a duplicate key";
    /// A key is not a string.
    KeyNotString = "PB003", Error, "a key is not a string";
    /// A number that can't be sent: `.nan`, `.inf` or too large.
    BadNumber = "PB004", Error, "a number that JSON cannot express";
    /// A YAML tag.
    Tag = "PB005", Error, "a YAML tag";
    /// A YAML merge key.
    MergeKey = "PB006", Error, "a YAML merge key";
    /// Several YAML documents in one file.
    SeveralDocuments = "PB007", Error, "several YAML documents in one file";
    /// The file is empty.
    Empty = "PB008", Error, "an empty file";
    /// Nested too deeply.
    TooDeep = "PB009", Error, "values nested too deeply";
    /// Too many values.
    TooLarge = "PB010", Error, "aliases that expand to too many values";
    /// A file in a directory that looks like rules, but is not read.
    IgnoredFile = "PB011", Warning, "a file that is not read as rules";
    /// A key that the rules format does not define.
    UnknownKey = "PB101", Error, "an unknown key";
    /// A required key is missing.
    MissingKey = "PB102", Error, "a missing key";
    /// A value of the wrong type.
    WrongType = "PB103", Error, "a value of the wrong type";
    /// A word that is not one of the allowed ones.
    UnknownWord = "PB104", Error, "an unknown word";
    /// A value of the right type that is not allowed.
    BadValue = "PB105", Error, "an invalid value";
    /// An unknown event.
    UnknownEvent = "PB106", Error, "an unknown event";
    /// An unknown role.
    UnknownRole = "PB107", Error, "an unknown role";
    /// An API that the file does not name.
    UnknownApi = "PB108", Error, "an unknown API";
    /// A request without an API.
    NoApi = "PB109", Error, "a request without an API";
    /// An unknown variable.
    UnknownVariable = "PB110", Error, "an unknown variable";
    /// A template with a syntax error.
    TemplateSyntax = "PB111", Error, "a syntax error in a template";
    /// An unknown filter, test or function.
    UnknownFilter = "PB112", Error, "an unknown filter, test or function";
    /// A request that pg-backup-api would refuse.
    BadRequest = "PB113", Error, "a request that pg-backup-api would refuse";
    /// Two rules with the same name.
    DuplicateRule = "PB114", Error, "two rules with the same name";
    /// A reserved or invalid name of a variable.
    BadVariable = "PB115", Error, "an invalid name for a variable";
    /// A section that may occur in only one file is in two.
    SectionTwice = "PB116", Error, "a section in two files";
    /// An address that can't be used.
    BadUrl = "PB117", Error, "an invalid address";
    /// Not exactly one of `request` and `requests`.
    OneRequest = "PB118", Error, "a rule without exactly one of `request` and `requests`";
    /// Only one of `cert_file` and `key_file`.
    HalfCertificate = "PB119", Error, "a certificate without its key, or a key without its certificate";
    /// A secret in the rules file.
    SecretInFile = "PB120", Error, "a secret in the rules file";
    /// A version of the format that this program does not know.
    UnknownVersion = "PB121", Error, "an unknown version of the format";
    /// The same word twice in one list.
    RepeatedItem = "PB122", Error, "the same value twice in one list";
    /// A type of request that pg-backup-api does not have.
    UnknownRequestType = "PB123", Error, "an unknown type of request";
    /// A rule set without rules.
    NoRules = "PB124", Error, "no rules";
    /// A `for_each` that can't be expanded.
    ForEach = "PB130", Error, "a `for_each` that cannot be expanded";
    /// A fact that is not known before an event.
    NotYetKnown = "PB131", Error, "something that is not known before an event";
    /// An invalid regular expression.
    BadPattern = "PB132", Error, "an invalid regular expression";
    /// A rule that can never fire.
    NeverFires = "PB201", Error, "a rule that can never fire";
    /// An event or a role that never occurs with the rest of its rule.
    NeverTogether = "PB202", Warning, "an event or a role that never occurs with the rest of its rule";
    /// A variable that no rule uses.
    UnusedVariable = "PB203", Warning, "a variable that nothing uses";
    /// A `when` that is always false.
    NeverTrue = "PB204", Error, "a condition that is never true";
    /// A `when` that is always true.
    AlwaysTrue = "PB205", Note, "a condition that is always true";
    /// Under `match: first`, earlier rules fire wherever this one could.
    Shadowed = "PB206", Error, "a rule that earlier rules always pre-empt";
    /// Two requests of one event set one target to different values.
    Conflict = "PB207", Error, "two requests that contradict each other";
    /// The same, if the conditions allow both.
    PossibleConflict = "PB208", Warning, "two requests that may contradict each other";
    /// A promotion switches a server, and a start as primary does not.
    StartNotCovered = "PB209", Warning, "a promotion that is followed, but not a start as primary";
    /// One event may take longer than the time until the next one.
    TooLong = "PB210", Warning, "an event that may take too long";
    /// `fence: role` without a Patroni to ask.
    NoFence = "PB211", Warning, "a fence without a Patroni";
    /// A finding is silenced without a reason.
    NoReason = "PB212", Error, "a finding silenced without a reason";
    /// A comment that silences nothing.
    IdleComment = "PB213", Warning, "a comment that silences nothing";
    /// A template that fails in an event of its rule.
    AlwaysFails = "PB214", Error, "a template that always fails";
    /// A recovery that is abandoned while Barman is still writing.
    RecoveryTimeout = "PB215", Warning, "a recovery with a time limit";
    /// A variable that Patroni removes from the environment.
    RemovedVariable = "PB216", Warning, "a variable that Patroni removes from the environment";
    /// A recovery in an event of a node that already has data.
    RecoveryOverData = "PB217", Error, "a recovery over a node's data";
    /// A recovery into a relative directory.
    RelativeDirectory = "PB218", Error, "a recovery into a relative directory";
    /// A member that does not lead sets a value that differs from the leader's, or another member's.
    FollowerSets = "PB219", Error, "a member that does not lead decides what Barman does";
    /// Events of one leader set different values.
    LeaderEventsDiffer = "PB220", Error, "events of a leader that set different values";
    /// A new leader does not replace the value that the old one set.
    PromotionNotFollowed = "PB221", Error, "a promotion that is not followed";
    /// The leaders of two clusters set different values of one target.
    ClustersShare = "PB222", Error, "two clusters that set the same thing";
    /// A recovery to one host, whichever node is being created.
    FixedHost = "PB223", Warning, "a recovery that always goes to the same host";
    /// A recovery into one directory, whichever one Patroni passes.
    FixedDirectory = "PB224", Warning, "a recovery that always fills the same directory";
    /// An option that Barman does not have.
    UnknownOption = "PB225", Warning, "an option that Barman does not have";
    /// A request that contains a secret.
    SecretShown = "PB226", Warning, "a request that contains a secret";
    /// Two rules that send the same request.
    RepeatedRequest = "PB227", Warning, "a request that is sent twice";
    /// Two APIs with the same address.
    SameApi = "PB228", Warning, "two APIs with the same address";
    /// An API that no request goes to.
    UnusedApi = "PB229", Warning, "an unused API";
    /// A cluster pattern that another one of its rule covers.
    CoveredPattern = "PB230", Warning, "a cluster pattern that another one covers";
    /// A secret header on an unencrypted connection.
    PlainSecret = "PB231", Warning, "a secret that is sent without encryption";
    /// Certificates for an unencrypted connection.
    IdleCertificate = "PB232", Warning, "a certificate without effect";
    /// `verify: streaming` for a request that does not start streaming.
    IdleVerify = "PB233", Warning, "a verification without effect";
    /// A `request: none` under `match: all`.
    IdleRule = "PB240", Warning, "a rule without effect";
    /// An excluded cluster that the rule is not for anyway.
    IdleExclusion = "PB241", Warning, "an excluded cluster that the rule is not for anyway";
    /// A test names an unknown rule.
    TestUnknownRule = "PB301", Error, "an unknown rule in a test";
    /// A test that can't fail.
    TestCannotFail = "PB302", Error, "a test that can't fail";
    /// A file without tests.
    NoTests = "PB303", Error, "a test file without a test";
    /// A test of an event and a role that never occur together.
    TestNeverHappens = "PB304", Error, "a test of an event that never occurs";
    /// Two tests with the same name.
    DuplicateTest = "PB305", Error, "two tests with the same name";
    /// The rules of the tests can't be used.
    TestRules = "PB306", Error, "a test file with invalid rules";
    /// The Barman of a scenario can't be set up.
    TestBarman = "PB307", Error, "a scenario with an invalid Barman";
    /// A word in `forall`, `except` or `for` that adds nothing.
    TestAddsNothing = "PB308", Error, "a part of a test that matches no event";
    /// A template in a test that can't be rendered.
    TestTemplate = "PB309", Error, "a template in a test that fails";
    /// Barman has no such server.
    UnknownServer = "PB401", Error, "a server that Barman does not have";
    /// Barman has no such model.
    UnknownModel = "PB402", Error, "a model that Barman does not have";
    /// Barman would refuse to apply the model to the server.
    OtherCluster = "PB403", Error, "a model of another cluster than the server's";
    /// The slot through which Barman receives WAL is not one of Patroni's permanent slots.
    SlotNotPermanent = "PB404", Warning, "a replication slot that a failover loses";
    /// Barman does not receive WAL by streaming for the server that is switched.
    NotReceiving = "PB405", Warning, "a server that does not receive WAL by streaming";
    /// Barman has no such backup.
    UnknownBackup = "PB406", Error, "a backup that Barman does not have";
    /// A bootstrap after a failover would end at the failover.
    NoLaterWal = "PB407", Warning, "a bootstrap that ends at the first failover after its backup";
    /// The Patroni that the rules name belongs to another cluster.
    OtherPatroni = "PB408", Error, "a Patroni of another cluster";
    /// Patroni has no such member.
    UnknownMember = "PB409", Error, "a node that is not a member of the cluster";
    /// A variable that the rules use is not set.
    UnsetVariable = "PB410", Warning, "an environment variable that is not set here";
    /// pg-backup-api or Barman is too old for a request.
    TooOld = "PB411", Error, "a version of Barman or pg-backup-api that is too old";
}

impl Code {
    fn is_of_group(self, digit: char) -> bool {
        self.as_str().chars().nth(2) == Some(digit)
    }

    /// Returns true if it is only found by asking Barman and Patroni, with `check --online`.
    #[must_use]
    pub fn is_online(self) -> bool {
        self.is_of_group('4')
    }

    /// Returns true if a comment on a rule can silence it: it is about the meaning of the rules, and not
    /// about whether they can be used at all.
    #[must_use]
    pub fn can_be_allowed(self) -> bool {
        if self.is_online() {
            return self.severity() != Severity::Error;
        }
        self.is_of_group('2') && !matches!(self, Self::NoReason | Self::IdleComment)
    }

    /// The code with this spelling, in upper or lower case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.as_str().eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
