"use strict";
// Copies a query; where the browser gives no clipboard to a page opened as a file, the selection is copied, or left to copy.
(() => {
  const status = document.getElementById("copied");

  function selected(element) {
    const range = document.createRange();
    range.selectNodeContents(element);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  }

  async function copy(element) {
    try {
      await navigator.clipboard.writeText(element.textContent);
      return true;
    } catch {
      selected(element);
      const done = document.execCommand?.("copy") ?? false;
      if (done) getSelection().removeAllRanges();
      return done;
    }
  }

  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const done = await copy(document.getElementById(button.dataset.copies));
      button.textContent = done ? "Copied" : "Selected";
      status.textContent = done ? "The query is copied." : "The query is selected; copy it with the keyboard.";
      setTimeout(() => { button.textContent = "Copy"; status.textContent = ""; }, 2500);
    });
  }
})();
