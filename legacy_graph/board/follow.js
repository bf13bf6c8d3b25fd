// Follow a picture: send it again whenever it, or what is asked about it, changes.

import { state } from "./address.js";

const SLOW = 500; // milliseconds until a note says that the answer takes some seconds

/**
 * Sends the newest content of a pad, one request at a time. `view` is {pad, detail, waiting, isShown(), send(file,
 * isCurrent, began), cover(file, detail, shown), showCover(found), fail(error), tellLost(name)}; send() shows the answer
 * and returns a promise of it, or of null if there is nothing to cover; cover() asks for the occlusion.
 */
export class Follower {
  constructor(view) {
    this.view = view;
    this.newer = null; // the time of a change that came during a request
  }

  /** Send the newest content. During a request, only remember that there is newer content. */
  async read(began) {
    if (this.busy) return void (this.newer = began);
    this.setBusy(true);
    for (let next = began; next !== null; next = this.newer) {
      this.newer = null;
      await this.readOnce(next);
    }
    this.setBusy(false);
  }

  setBusy(busy) {
    this.busy = busy;
    this.view.detail.setAttribute("aria-busy", busy);
  }

  async readOnce(began) {
    const { pad, isShown, send, cover, showCover, fail, tellLost, waiting } = this.view;
    const { content, status } = pad;
    if (!content || !isShown()) return;
    const isCurrent = () => pad.content === content && isShown();
    const slow = setTimeout(() => isCurrent() && (status.textContent = waiting), SLOW);
    try {
      const file = await pad.file();
      const shown = await send(file, isCurrent, began);
      clearTimeout(slow);
      for (const detail of shown ? ["coarse", "fine"] : []) {
        if (this.newer !== null) return;
        const found = await cover(file, detail, shown);
        if (!isCurrent()) return;
        showCover(found);
      }
    } catch (error) {
      if (error.status === 503) {
        this.newer ??= began; // newer pictures of another browser replaced ours in the queue: send ours again
      } else if (error.status === 404 && error.message.startsWith("map:") && state.map !== null) {
        tellLost(`the map ${state.map}`); // of another layer, or of an address
        state.map = null;
        this.newer ??= began;
      } else if (isCurrent()) {
        status.textContent = "";
        fail(error);
      }
    } finally {
      clearTimeout(slow);
    }
  }
}
