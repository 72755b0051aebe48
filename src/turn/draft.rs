//! What was said so far, recognised while the player still holds the key.

use super::Turns;
use crate::domain::Utterance;

impl Turns {
    /// Lets the recogniser begin with what was said so far of an utterance that is still going on. When the utterance is
    /// complete and nothing more was said in it, its words are there at once; otherwise this was in vain and changes
    /// nothing. Before the first turn, while the names to expect are not known, nothing happens.
    pub fn draft(&self, so_far: Utterance) {
        let (Some(recogniser), Some(squad)) = (&self.recogniser, &self.squad) else { return };
        let ready = self.ready.as_ref().and_then(|ready| ready.roster());
        if let Some(roster) = ready.or_else(|| self.roster.clone()) {
            recogniser.draft(so_far, roster.bias(squad.as_ref(), self.settings.prompt_names_max));
        }
    }
}
