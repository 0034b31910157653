//! The kinds of finding, each with a stable code.

use std::fmt;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Can't work, or can never do what it says.
    Error,
    /// Works, and is probably not meant.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The word in every output.
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

/// Makes the list of codes. A code, once released, keeps its number and its meaning.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $severity:ident, $title:literal;)+) => {
        /// A kind of finding.
        ///
        /// `PB0…` is about the file, `PB1…` about its shape, names, templates and requests, `PB2…` about
        /// what the rules mean, `PB3…` about files of tests, `PB4…` about what Barman and Patroni say of the rules
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

            /// How bad it is.
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

            /// What it is, in a few words.
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
    /// A key stands twice in one mapping.
    DuplicateKey = "PB002", Error, "a duplicate key";
    /// A key is not a string.
    KeyNotString = "PB003", Error, "a key is not a string";
    /// A number that can't be sent: `.nan`, `.inf` or too large.
    BadNumber = "PB004", Error, "a number that can't be sent";
    /// A YAML tag.
    Tag = "PB005", Error, "a YAML tag";
    /// A YAML merge key.
    MergeKey = "PB006", Error, "a YAML merge key";
    /// Several YAML documents in one file.
    SeveralDocuments = "PB007", Error, "several YAML documents in one file";
    /// Nothing in the file.
    Empty = "PB008", Error, "there is nothing in the file";
    /// Nested too deeply.
    TooDeep = "PB009", Error, "the values are nested too deeply";
    /// Too many values.
    TooLarge = "PB010", Error, "the aliases make too many values";
    /// Something that looks like rules in a directory, and is not read.
    IgnoredFile = "PB011", Warning, "rules that are not read";
    /// A key that the format does not have.
    UnknownKey = "PB101", Error, "a key that the rules format does not have";
    /// A key that must be there is not.
    MissingKey = "PB102", Error, "a key that must be there is missing";
    /// A value of the wrong type.
    WrongType = "PB103", Error, "a value of the wrong type";
    /// A word that is none of those allowed.
    UnknownWord = "PB104", Error, "a word that is none of those allowed";
    /// A value of the right type that is not allowed.
    BadValue = "PB105", Error, "a value that is not allowed here";
    /// An event that Patroni does not have.
    UnknownEvent = "PB106", Error, "an event that Patroni does not have";
    /// A role that Patroni does not have.
    UnknownRole = "PB107", Error, "a role that Patroni does not have";
    /// An API that the file does not name.
    UnknownApi = "PB108", Error, "an API that the rules do not name";
    /// A request without any API.
    NoApi = "PB109", Error, "a request that has no API to go to";
    /// A variable that does not exist.
    UnknownVariable = "PB110", Error, "a variable that does not exist";
    /// A template that can't be read.
    TemplateSyntax = "PB111", Error, "a template that can't be read";
    /// A filter, test or function that does not exist.
    UnknownFilter = "PB112", Error, "a filter, test or function that does not exist";
    /// A request that pg-backup-api would refuse.
    BadRequest = "PB113", Error, "a request that pg-backup-api would refuse";
    /// Two rules of one name.
    DuplicateRule = "PB114", Error, "two rules with one name";
    /// A variable that can't have this name.
    BadVariable = "PB115", Error, "a variable that can't have this name";
    /// A part of the rules that may be in one file only is in two.
    SectionTwice = "PB116", Error, "a section in two files";
    /// An address that can't be used.
    BadUrl = "PB117", Error, "an address that can't be used";
    /// Not exactly one of `request` and `requests`.
    OneRequest = "PB118", Error, "a rule without exactly one of `request` and `requests`";
    /// Only one of `cert_file` and `key_file`.
    HalfCertificate = "PB119", Error, "a certificate without its key, or a key without its certificate";
    /// A secret in the rules file.
    SecretInFile = "PB120", Error, "a header's value in the rules file";
    /// A version that this program does not know.
    UnknownVersion = "PB121", Error, "a version of the format that this program does not know";
    /// The same word twice in one list.
    RepeatedItem = "PB122", Error, "the same value twice in one list";
    /// A type of request that pg-backup-api does not have.
    UnknownRequestType = "PB123", Error, "a type of request that pg-backup-api does not have";
    /// No rule in the whole rule set.
    NoRules = "PB124", Error, "there is no rule";
    /// A `for_each` that can't be unrolled.
    ForEach = "PB130", Error, "a `for_each` that rules can't be made of";
    /// A fact where only what is known before an event can be used.
    NotYetKnown = "PB131", Error, "something that is not known before an event";
    /// A regular expression that can't be used.
    BadPattern = "PB132", Error, "a regular expression that can't be used";
    /// A rule that Patroni never calls for.
    NeverFires = "PB201", Error, "a rule that can never fire";
    /// An event or a role that adds nothing to its rule.
    NeverTogether = "PB202", Warning, "an event or a role that never meets the rest of its rule";
    /// A variable that no rule uses.
    UnusedVariable = "PB203", Warning, "a variable that nothing uses";
    /// A `when` that is false whatever happens.
    NeverTrue = "PB204", Error, "a condition that is never true";
    /// A `when` that is true whatever happens.
    AlwaysTrue = "PB205", Note, "a condition that is always true";
    /// Under `match: first`, earlier rules fire wherever this one could.
    Shadowed = "PB206", Error, "a rule that earlier rules leave nothing to";
    /// Two requests of one event want different things of one target.
    Conflict = "PB207", Error, "two requests that contradict each other";
    /// The same, if conditions allow both.
    PossibleConflict = "PB208", Warning, "two requests that may contradict each other";
    /// A promotion switches a server, and a start as primary does not.
    StartNotCovered = "PB209", Warning, "a promotion is followed, a start as primary is not";
    /// One event may take longer than the next one is away.
    TooLong = "PB210", Warning, "an event that may take too long";
    /// `fence: role` without a Patroni to ask.
    NoFence = "PB211", Warning, "a fence without a Patroni to ask";
    /// A finding is silenced, and nobody says why.
    NoReason = "PB212", Error, "a finding is silenced without a reason";
    /// A comment that silences nothing.
    IdleComment = "PB213", Warning, "a comment that silences nothing";
    /// A template that can't be rendered in an event that its rule is for.
    AlwaysFails = "PB214", Error, "a template that always fails";
    /// A recovery that is left while Barman still writes.
    RecoveryTimeout = "PB215", Warning, "a recovery with a limit in time";
    /// A variable that Patroni takes out of the environment.
    RemovedVariable = "PB216", Warning, "a variable that Patroni removes from the environment";
    /// A recovery in an event of a node that has data.
    RecoveryOverData = "PB217", Error, "a recovery over the data of a node";
    /// A directory for a recovery that is no whole path.
    RelativeDirectory = "PB218", Error, "a recovery into a directory that is not a whole path";
    /// A member that does not lead sets what the leader, or another member, sets otherwise.
    FollowerSets = "PB219", Error, "a member that does not lead decides what Barman does";
    /// Events of one leader leave different values.
    LeaderEventsDiffer = "PB220", Error, "events of a leader that set different values";
    /// A new leader does not replace what the old one has set.
    PromotionNotFollowed = "PB221", Error, "a promotion that is not followed";
    /// The leaders of two clusters set different values of one target.
    ClustersShare = "PB222", Error, "two clusters that set the same thing";
    /// A recovery to one host, whichever node is being made.
    FixedHost = "PB223", Warning, "a recovery that always goes to the same host";
    /// A recovery into one directory, whichever Patroni passes.
    FixedDirectory = "PB224", Warning, "a recovery that always fills the same directory";
    /// An option that Barman does not have.
    UnknownOption = "PB225", Warning, "an option that Barman does not have";
    /// A request that carries a secret.
    SecretShown = "PB226", Warning, "a request with a secret in it";
    /// Two rules that send the same.
    RepeatedRequest = "PB227", Warning, "a request that is sent twice";
    /// Two APIs with one address.
    SameApi = "PB228", Warning, "two APIs with the same address";
    /// An API that no request goes to.
    UnusedApi = "PB229", Warning, "an API that no request goes to";
    /// A cluster pattern that another one of its rule covers.
    CoveredPattern = "PB230", Warning, "a cluster pattern that another one covers";
    /// A secret header on an unencrypted connection.
    PlainSecret = "PB231", Warning, "a secret that is sent without encryption";
    /// Certificates where nothing is encrypted.
    IdleCertificate = "PB232", Warning, "a certificate without any effect";
    /// `verify: streaming` of something that does not stream.
    IdleVerify = "PB233", Warning, "a verification without any effect";
    /// A `request: none` under `match: all`.
    IdleRule = "PB240", Warning, "a rule that does nothing and keeps no other from firing";
    /// An excluded cluster that the rule does not name.
    IdleExclusion = "PB241", Warning, "an excluded cluster that the rule is not for anyway";
    /// A test names a rule that there is not.
    TestUnknownRule = "PB301", Error, "a test names a rule that the rules do not have";
    /// A test without an expectation, or of nothing.
    TestCannotFail = "PB302", Error, "a test that can't fail";
    /// A file without tests.
    NoTests = "PB303", Error, "a test file without a test";
    /// A test of an event and a role that never come together.
    TestNeverHappens = "PB304", Error, "a test of something that Patroni never passes";
    /// Two tests of one name.
    DuplicateTest = "PB305", Error, "two tests with one name";
    /// The rules of the tests can't be used.
    TestRules = "PB306", Error, "a test file whose rules can't be used";
    /// The Barman of a scenario can't be made.
    TestBarman = "PB307", Error, "a scenario whose Barman can't be made";
    /// A word of `forall`, `except` or `for` that adds nothing.
    TestAddsNothing = "PB308", Error, "a part of a test that is about no event";
    /// A template in a test that can't be rendered.
    TestTemplate = "PB309", Error, "a template in a test that can't be rendered";
    /// Barman has no such server.
    UnknownServer = "PB401", Error, "a server that Barman does not have";
    /// Barman has no such model.
    UnknownModel = "PB402", Error, "a model that Barman does not have";
    /// Barman would refuse to lay the model over the server.
    OtherCluster = "PB403", Error, "a model of another cluster than the server's";
    /// The slot that Barman receives WAL through is not one of Patroni's permanent slots.
    SlotNotPermanent = "PB404", Warning, "a replication slot that a failover loses";
    /// Barman does not receive WAL by streaming for the server that is switched.
    NotReceiving = "PB405", Warning, "a server that does not receive WAL by streaming";
    /// There is no such backup.
    UnknownBackup = "PB406", Error, "a backup that Barman does not have";
    /// A bootstrap after a failover would end at the failover.
    NoLaterWal = "PB407", Warning, "a bootstrap that ends at the first failover after its backup";
    /// The Patroni that the rules name is of another cluster.
    OtherPatroni = "PB408", Error, "a Patroni of another cluster";
    /// Patroni has no such member.
    UnknownMember = "PB409", Error, "a node that is not a member of the cluster";
    /// A variable that the rules use is not set.
    UnsetVariable = "PB410", Warning, "an environment variable that is not set here";
    /// pg-backup-api or Barman is too old for a request.
    TooOld = "PB411", Error, "a version of Barman or pg-backup-api that is too old";
}

impl Code {
    /// Whether it is found only when Barman and Patroni are asked: with `check --online`.
    #[must_use]
    pub const fn is_online(self) -> bool {
        matches!(
            self,
            Self::UnknownServer
                | Self::UnknownModel
                | Self::OtherCluster
                | Self::SlotNotPermanent
                | Self::NotReceiving
                | Self::UnknownBackup
                | Self::NoLaterWal
                | Self::OtherPatroni
                | Self::UnknownMember
                | Self::UnsetVariable
                | Self::TooOld
        )
    }

    /// Whether a comment on a rule can silence it: it is about what the rules mean, and not about
    /// whether they can be used at all.
    #[must_use]
    pub const fn can_be_allowed(self) -> bool {
        matches!(
            self,
            Self::NeverFires
                | Self::NeverTogether
                | Self::UnusedVariable
                | Self::NeverTrue
                | Self::AlwaysTrue
                | Self::Shadowed
                | Self::Conflict
                | Self::PossibleConflict
                | Self::StartNotCovered
                | Self::TooLong
                | Self::NoFence
                | Self::AlwaysFails
                | Self::RecoveryTimeout
                | Self::RecoveryOverData
                | Self::RelativeDirectory
                | Self::RemovedVariable
                | Self::UnknownOption
                | Self::SecretShown
                | Self::RepeatedRequest
                | Self::SameApi
                | Self::UnusedApi
                | Self::CoveredPattern
                | Self::PlainSecret
                | Self::IdleCertificate
                | Self::IdleVerify
                | Self::IdleRule
                | Self::IdleExclusion
                | Self::SlotNotPermanent
                | Self::NotReceiving
                | Self::NoLaterWal
                | Self::UnsetVariable
                | Self::FollowerSets
                | Self::LeaderEventsDiffer
                | Self::PromotionNotFollowed
                | Self::ClustersShare
                | Self::FixedHost
                | Self::FixedDirectory
        )
    }

    /// The code that is written like this, in any case.
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
