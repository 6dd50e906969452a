// CodeMirror as the page's modules see it: the same files, found from a folder outside web/.
export { deleteCharBackward, isolateHistory, redo, redoDepth, undo, undoDepth } from "../../web/node_modules/@codemirror/commands/dist/index.js";
export { EditorState } from "../../web/node_modules/@codemirror/state/dist/index.js";
