// Puts the page together: the only place where its parts are made and joined.

import { barParts } from "./bar/bar-parts.js";
import { RewriteBar } from "./bar/rewrite-bar.js";
import { Announcer } from "./common/announcer.js";
import { clock } from "./common/clock.js";
import { byId } from "./common/elements.js";
import { storages } from "./common/storages.js";
import { Theme } from "./common/theme.js";
import { arrive, wantedStory } from "./desk/arrival.js";
import { Desks } from "./desk/desks.js";
import { Keeper } from "./desk/keeper.js";
import { takenDesks, takeSeat } from "./desk/seat.js";
import { Editor } from "./manuscript/editor.js";
import { WhoWrote } from "./origins/who-wrote.js";
import { listen } from "./page/controls.js";
import { Drawer } from "./page/drawer.js";
import { KeysList } from "./page/keys-list.js";
import { LearnedCard } from "./page/learned-card.js";
import { Models } from "./page/models.js";
import { Page } from "./page/page.js";
import { Status } from "./page/status.js";
import { StoryMenu } from "./page/story-menu.js";
import { Summary } from "./page/summary.js";
import { TitleIdeas } from "./page/title-ideas.js";
import { LibraryDesk } from "./saving/library-desk.js";
import { Versions } from "./saving/versions.js";
import { prompt } from "./server/api.js";
import { Connection } from "./server/connection.js";
import { Health } from "./server/health.js";
import * as libraryApi from "./server/library-api.js";
import { WRITTEN_APART } from "./server/notes.js";
import { keepPreference } from "./server/preferences-api.js";
import { writingOf } from "./server/writing-api.js";
import { SettingsAside } from "./settings/settings-aside.js";
import { SettingsForm } from "./settings/settings-form.js";
import { ChoiceKeeper } from "./takes/choice-keeper.js";
import { TakesDesk } from "./takes/takes-desk.js";
import { TakesKeeper } from "./takes/takes-keeper.js";
import { TakesList } from "./takes/takes-list.js";
import { Taking } from "./takes/taking.js";
import { onItsWay } from "./telling/tale.js";
import { Telling } from "./telling/telling.js";
import { newId } from "./text/new-id.js";
import { isBlank } from "./text/story.js";
import { VerdictMarks } from "./verdicts/verdict-marks.js";
import { Verdicts } from "./verdicts/verdicts.js";

const FONT_PATIENCE_MS = 400;
const OTHERS_MS = 5000;
const storyFont = () =>
  Promise.race([
    document.fonts.load("1rem 'Literata Variable'"),
    new Promise((resolve) => setTimeout(resolve, FONT_PATIENCE_MS)),
  ]);

// The launch token has become a cookie, and a story from the library lies on the desk: neither need stay in the address bar.
const wanted = wantedStory(location.search);
if (location.search) history.replaceState(null, "", location.pathname);

const { local, session } = storages();
new Theme({ button: byId("theme"), label: byId("theme-name"), storage: local });

async function open() {
  const desks = new Desks(local);
  const seated = takeSeat({ desks, session, locks: navigator.locks, isFresh: wanted !== null });
  const [{ id, desk: left }] = await Promise.all([seated, storyFont()]);
  const { desk, problem, isApart } = await arrive({ desk: left && { ...left, telling: onItsWay(left) }, wanted, read: libraryApi.readStory, ask: writingOf });
  desks.tidy(id, await takenDesks(navigator.locks));

  const page = new Page();
  const changed = () => page.changed();
  const show = () => page.show();

  const announcer = new Announcer({
    story: byId("announce-story"),
    state: byId("announce-state"),
    error: byId("announce-error"),
  });
  const health = new Health(() => {
    if (health.now.code === "unauthorized") connection.giveUp();
    page.answered();
    models.refresh();
  });
  const diagnose = () => health.diagnose();
  const connection = new Connection(`${location.origin.replace(/^http/, "ws")}/ws`, {
    onChanged: ({ story, revision, trashed }) => library.sync.heard({ id: story, revision, isTrashed: trashed }),
    onLine: (up) => {
      if (!up || health.now?.ready === false) health.check();
      if (up) library.sync.follow(); // nothing was heard of the story meanwhile
    },
    stops: left?.stops,
  });
  const shared = { connection, announcer, diagnose };

  const settings = new SettingsForm({ onChange: changed, readPrompt: async (value) => (await prompt(value)).prompt });
  const aside = new SettingsAside({ form: settings, announcer, onChange: changed });
  const isAside = aside.open(desk, left);

  const model = { ...shared, ask: () => page.asked() };
  const taking = new Taking({
    model,
    prefer: (choice) => choices.keep(choice),
    onAccepted: ({ isWhole }) => library.sync.keep(isWhole ? "generation" : "rewrite"),
    onText: () => page.keeper.touch(),
    onChange: changed,
  });
  const editor = new Editor({
    parent: byId("story"),
    nonce: document.querySelector("meta[name=csp-nonce]").content,
    box: taking.view.box.element,
    desk,
    onUpdate: (update) => page.updated(update),
  });
  taking.view.editor = editor;

  const telling = new Telling({
    ...shared,
    editor,
    onChange: show,
    onAsked: () => keeper.keep(),
    onOver: (tale) => {
      const [isKept, isSaved] = [keeper.keep(), library.sync.written(tale)];
      return isKept || isSaved;
    },
    onTrouble: (error) => page.complain(error),
  });
  const library = new LibraryDesk({
    editor,
    announcer,
    newId,
    isTelling: () => telling.busy,
    about: () => ({ settings: editor.card?.settings ?? settings.value, model: page.model ?? editor.card?.model ?? null }),
    say: (sentence) => telling.say(sentence),
    onChange: () => page.shelved(),
  });
  const takesKeeper = new TakesKeeper({
    api: libraryApi,
    sync: library.sync,
    clock,
    onChange: () => page.shelved(),
    onTold: (story, record) => taking.hear(story, record),
    onTrouble: (error) => (error ? page.trouble(error) : telling.busy || page.relieve()),
  });
  taking.keeper = takesKeeper;
  const choices = new ChoiceKeeper({ send: keepPreference, clock, onTrouble: (error) => page.trouble(error), onChange: changed });
  const onReopen = (record, range) => takes.reopen(record, range);
  const bar = new RewriteBar({
    editor,
    allowed: () => !telling.busy && !taking.isOpen,
    onAsk: (range, wish) => takes.ask(range, wish),
    parts: barParts({ ...model, editor, keeper: takesKeeper, api: libraryApi, storage: local, onReopen }),
  });
  const takes = new TakesDesk({ editor, taking, telling, library, bar, count: bar.count, first: () => page.takesFirst() });
  const takesList = new TakesList({ editor, keeper: takesKeeper, isBusy: () => telling.busy, onReopen, onInsert: (text) => takes.insertText(text) });
  const keys = new KeysList();
  const summary = new Summary({ ...model, editor });
  const titles = new TitleIdeas({ ...model, editor, title: library.title });
  new StoryMenu({
    can: () => ({ isEmpty: isBlank(editor.text), isBusy: telling.busy || taking.isOpen, takes: takes.ofWhole }),
    on: { insert: () => takes.insert(), others: () => takes.others(), takes: () => takesList.open(), summary: () => summary.open(), keys: () => keys.open() },
  });
  const feedback = new Verdicts({
    editor,
    announcer,
    marks: new VerdictMarks({ storage: local, events: window, onChange: show }),
    ask: () => page.asked(),
    look: () => library.sync.look(),
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
    beforeLeaving: () => (telling.flush(), library.sync.settle()),
    collect: () => ({
      telling: (telling.flush(), telling.kept),
      stops: connection.stops,
      text: editor.text,
      earlier: editor.earlier,
      card: editor.card,
      settings: settings.value,
      aside: aside.kept,
      model: page.model,
      takes: { open: taking.kept, pending: takesKeeper.kept, choices: choices.kept },
      ...library.kept,
    }),
    onFull: (isFull) => page.kept({ isFull }),
  });
  const drawer = new Drawer({ onChange: show });
  const versions = new Versions({
    editor,
    sync: library.sync,
    say: (sentence) => telling.say(sentence),
    isBusy: () => telling.busy || taking.isOpen,
    onSettings: (told) => aside.adopt(told, editor.card?.settings),
  });

  const who = new WhoWrote({ editor, announcer, storage: local });

  page.open(
    { editor, settings, aside, telling, taking, takes, takesKeeper, titles, bar, feedback, models, health, keeper, drawer, library, who, status: new Status() },
    { model: desk?.model ?? null, problem, isAside },
  );
  if (desk?.telling) telling.resume(desk.telling);
  if (isApart) telling.say(WRITTEN_APART);
  library.sync.open(desk ?? {});
  takesKeeper.open(left?.takes);
  choices.open(left?.takes?.choices);
  takes.open(left?.takes?.open ?? null);
  library.sync.follow();
  // By then every tab of this browser that is about to come back sits at its desk.
  setTimeout(async () => {
    library.sync.bring(desks.unsaved(id, await takenDesks(navigator.locks)));
    await library.sync.settle();
    desks.arrived(id, await takenDesks(navigator.locks), library.sync.stories.held);
  }, OTHERS_MS);

  listen({ page, editor, telling, taking, takes, bar, feedback, models, versions, takesList, keys, who });
  connection.connect();
  window.addEventListener("online", () => connection.connect());
  health.check();
  new LearnedCard({ storage: local, focusTo: byId("primary") }).check();
}

open();
