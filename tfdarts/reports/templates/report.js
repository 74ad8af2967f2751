for (const box of document.querySelectorAll("[data-epochs]")) {
  const panels = [...box.querySelectorAll("[data-epoch]")];
  const slider = box.querySelector("input");
  const output = box.querySelector("output");
  const play = box.querySelector("button");
  let timer = null;
  const show = () => {
    panels.forEach((panel, place) => (panel.hidden = place !== +slider.value));
    const text = panels[slider.value].dataset.epoch;
    output.textContent = text;
    slider.setAttribute("aria-valuetext", text);
  };
  const pause = () => {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  };
  const step = () => {
    if (slider.value === slider.max) return pause();
    slider.value = +slider.value + 1;
    show();
  };
  slider.addEventListener("input", () => { pause(); show(); });
  play.addEventListener("click", () => {
    if (timer) return pause();
    if (slider.value === slider.max) { slider.value = 0; show(); }
    timer = setInterval(step, 700);
    play.textContent = "Pause";
  });
  box.querySelector(".slider").hidden = false;
  box.classList.add("has-slider");
  show();
}
