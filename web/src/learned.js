// Puts the page *What it has learned* together.

import { byId, setText } from "./common/elements.js";
import { storages } from "./common/storages.js";
import { Theme } from "./common/theme.js";
import { readSeat } from "./desk/seat.js";
import { LearnedPage } from "./learned/learned-page.js";

const { local, session } = storages();
new Theme({ button: byId("theme"), label: byId("theme-name"), storage: local });
// A tab that was opened beside a story has none of its own to go back to.
if (!readSeat(session)) setText(byId("to-story"), "Write a story");
new LearnedPage().read();
