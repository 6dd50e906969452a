"""The library: every story of the writer, with its versions, in one database that never loses a word.

``Library(config.library_url)`` opens nothing; ``open()`` makes or migrates the database and tells early
what is wrong with it. Every other method opens it too if need be, so that an app that could not open it
at its start has it as soon as the trouble is over. Everything is synchronous, safe to share between
threads, and raises only ``LibraryError``'s family (``errors``), ``InvalidRequestError``, and what is said
of each method::

    library = Library(config.library_url)
    story = library.create(text="Once", tags=["sea"], reason="generation")
    story = library.save(story.id, story.revision, text="Once upon a time")   # ConflictError.current
    library.keep_version(story.id, "pause")
    story = library.restore(story.id, 1, story.revision)
    page = library.page(query="upon ti", sort="title", limit=20)              # page.stories, page.total
    library.passages.keep(story.id, passage)                                  # a record of takes, whole
    library.favourites.add("More of the sea")

``export()`` is a generator that holds a connection: exhaust it, or close it (``contextlib.closing``). Its
steps may run on different threads. ``create`` with an id, and ``adopt``, may be repeated: the second time
they add nothing.

The rooms: ``values`` and ``errors`` are what others see; ``library`` is the methods, each one transaction;
``stories``, ``timeline``, ``tagging``, ``takes`` and ``favourites`` the tables behind them; ``words`` and
``search`` how a story is found; ``checks``, ``origins``, ``passages`` and ``drafts`` what may be kept;
``exporting`` and ``adopting`` a library as a whole, the modules called ``archive_…`` its archive, and
``importing`` files; ``database``, ``upgrading``, ``migrations``, ``schema`` and ``trouble`` the database
itself.
"""
