/** A text that is spoken in less than two seconds, so its video is made in a few seconds. */
export const SHORT = "Xin chào các bạn.";

/** A longer text, whose video takes long enough to be interrupted. */
export const LONGER = "Xin chào các bạn. Bầu trời màu xanh vì ánh sáng xanh tán xạ nhiều nhất.";
