/** A text, which is said as it is: in under two seconds, so that its video is made in few. */
export const SHORT = "Xin chào các bạn.";

/** Said in some seconds: the making of it lasts long enough to be stopped. */
export const LONGER = "Xin chào các bạn. Bầu trời màu xanh vì ánh sáng xanh tán xạ nhiều nhất.";
