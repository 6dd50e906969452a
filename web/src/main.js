// Puts the page together: the only place where its parts are made and joined.

import { Announcer } from "./announcer.js";
import { prompt } from "./api.js";
import { Connection } from "./connection.js";
import { Desks } from "./desks.js";
import { Drawer } from "./drawer.js";
import { Editor } from "./editor.js";
import { byId, onPress } from "./elements.js";
import { Feedback } from "./feedback.js";
import { Health } from "./health.js";
import { Keeper } from "./keeper.js";
import { listenToKeys } from "./keyboard.js";
import { LearnedCard } from "./learned-card.js";
import { Models } from "./models.js";
import { Page } from "./page.js";
import { Rewrite } from "./rewrite.js";
import { RewriteBar } from "./rewrite-bar.js";
import { takeSeat } from "./seat.js";
import { SettingsForm } from "./settings-form.js";
import { Status } from "./status.js";
import { storages } from "./storages.js";
import { Telling } from "./telling.js";
import { Theme } from "./theme.js";

const FONT_PATIENCE_MS = 400;
const storyFont = () =>
  Promise.race([
    document.fonts.load("1rem 'Literata Variable'"),
    new Promise((resolve) => setTimeout(resolve, FONT_PATIENCE_MS)),
  ]);

// The launch token has become a cookie: it need not stay in the address bar.
if (location.search) history.replaceState(null, "", location.pathname);

const { local, session } = storages();
new Theme({ button: byId("theme"), label: byId("theme-name"), storage: local });

async function open() {
  const desks = new Desks(local);
  const [{ id, desk }] = await Promise.all([takeSeat({ desks, session, locks: navigator.locks }), storyFont()]);
  desks.tidy(id);

  const page = new Page();
  const changed = () => page.changed();
  const show = () => page.show();

  const announcer = new Announcer({
    story: byId("announce-story"),
    state: byId("announce-state"),
    error: byId("announce-error"),
  });
  const health = new Health(() => (show(), models.refresh()));
  const diagnose = () => health.diagnose();
  const connection = new Connection(`${location.origin.replace(/^http/, "ws")}/ws`, {
    onLine: (up) => (!up || health.now?.ready === false) && health.check(),
  });
  const shared = { connection, announcer, diagnose };

  const settings = new SettingsForm({ onChange: changed, readPrompt: async (value) => (await prompt(value)).prompt });
  if (desk?.settings) settings.value = desk.settings;

  const rewrite = new Rewrite({ ...shared, ask: () => page.asked(), onChange: changed });
  const editor = new Editor({
    parent: byId("story"),
    nonce: document.querySelector("meta[name=csp-nonce]").content,
    box: rewrite.box.element,
    desk,
    onUpdate: (update) => page.updated(update),
  });
  rewrite.editor = editor;

  const telling = new Telling({ ...shared, editor, onChange: show, onTrouble: (error) => page.complain(error) });
  const bar = new RewriteBar({
    editor,
    allowed: () => !telling.busy && !rewrite.isOpen,
    onRewrite: (range, instruction) => rewrite.start(range, instruction),
  });
  const feedback = new Feedback({
    editor,
    announcer,
    saved: desk?.saved ?? {},
    ask: () => page.asked(),
    onChange: changed,
    onDone: () => page.relieve(),
    onTrouble: (error) => page.trouble(error),
  });
  const models = new Models({
    announcer,
    chosen: () => page.model,
    onChoose: (model) => page.choose(model),
    onFetched: (model) => (page.choose(model), health.check()),
    onChange: show,
  });
  const keeper = new Keeper({
    desks,
    id,
    beforeLeaving: () => telling.flush(),
    collect: () => ({
      text: editor.text,
      earlier: editor.earlier,
      card: editor.card,
      saved: feedback.saved,
      settings: settings.value,
      model: page.model,
    }),
    onFull: (isFull) => page.kept({ isFull }),
  });
  const drawer = new Drawer({ onChange: show });

  page.open(
    { editor, settings, telling, rewrite, bar, feedback, models, health, keeper, drawer, status: new Status() },
    { model: desk?.model ?? null },
  );

  // A double click is one wish to write, not one to write and one to stop.
  onPress(byId("primary"), ({ detail }) => detail > 1 || page.next());
  onPress(byId("continue"), () => page.continue());
  onPress(byId("undo"), editor.undo);
  onPress(byId("redo"), editor.redo);
  onPress(byId("model-button"), () => models.open());
  onPress(byId("choose-model"), () => models.open());
  onPress(byId("get-model"), () => page.getModel());
  listenToKeys({
    write: () => (page.telling.busy || page.next(), true),
    rewrite: () => (bar.open() || telling.say("Select the words to rewrite first."), true),
    good: () => (feedback.toggle(), true),
    escape: () => page.escape(),
  });

  connection.connect();
  health.check();
  new LearnedCard({ storage: local, focusTo: byId("primary") }).check();
}

open();
