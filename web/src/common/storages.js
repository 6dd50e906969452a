// The browser's two storages; where it closes them to us, a page still works, and forgets.

const forgetful = { length: 0, key: () => null, getItem: () => null, removeItem() {}, setItem() { throw new Error("closed"); } };

const open = (name) => {
  try {
    return window[name] ?? forgetful;
  } catch {
    return forgetful;
  }
};

export const storages = () => ({ local: open("localStorage"), session: open("sessionStorage") });
