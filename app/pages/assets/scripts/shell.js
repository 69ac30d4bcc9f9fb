// Starts what all pages have in common.
import { keepZone } from "./zone.js";
import { followChanges } from "./live.js";
import { selectAll, submitOnChange } from "./forms.js";
import { showWholeInstead } from "./pictures.js";

showWholeInstead();
keepZone();
followChanges(document.querySelector("[data-now]"));
submitOnChange();
selectAll();
