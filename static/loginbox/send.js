// Posts the answer that this page holds to the service that asked for it.
document.querySelector("form[data-send]").submit();
