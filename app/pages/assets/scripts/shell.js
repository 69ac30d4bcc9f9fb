// Starts what all pages have in common.
import { keepZone } from "./zone.js";
import { followChanges } from "./live.js";
import { submitOnChange } from "./filters.js";

keepZone();
followChanges(document.querySelector("[data-live]"));
submitOnChange();
