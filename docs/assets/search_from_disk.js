// The search runs in a worker, which browsers do not start for pages that are opened from disk: there
// its script runs in a hidden frame instead, which speaks as a worker does.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    #waiting = [];
    #inner = null;

    constructor(address) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.documentElement.append(frame);
      const inner = frame.contentWindow;
      const load = (url) =>
        new Promise((done, failed) => {
          const script = inner.document.createElement("script");
          script.src = url;
          script.onload = done;
          script.onerror = failed;
          inner.document.documentElement.append(script);
        });
      inner.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      inner.importScripts = async (...urls) => {
        for (const url of urls) await load(url);
      };
      load(address).then(() => {
        this.#inner = inner;
        this.#waiting.forEach((data) => this.postMessage(data));
      });
    }

    postMessage(data) {
      if (this.#inner) this.#inner.dispatchEvent(new MessageEvent("message", { data }));
      else this.#waiting.push(data);
    }

    terminate() {}
  };
}
