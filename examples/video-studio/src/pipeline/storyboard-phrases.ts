import type { Language } from "./language.js";

/** One point of an idea. */
export interface PointPhrases {
  readonly label: string;
  readonly line: string;
  /** More sentences, if there is time, the best first. */
  readonly more: readonly string[];
}

/** The sentences about an idea. `{topic}` is the idea, in the middle of a sentence. */
export interface IdeaPhrases {
  readonly labels: { readonly greeting: string; readonly idea: string; readonly close: string };
  readonly greeting: string;
  /** The sentence that names the idea, and further remarks. */
  readonly idea: readonly [string, ...string[]];
  readonly points: readonly (readonly PointPhrases[])[];
  readonly close: string;
  readonly farewell: string;
}

/** The phrases of each language. They are general enough for any topic. A language model could be more specific. */
export const IDEA_PHRASES: Readonly<Record<Language, IdeaPhrases>> = {
  vi: {
    labels: { greeting: "Lời chào", idea: "Chủ đề", close: "Lời kết" },
    greeting: "Xin chào các bạn, mình là Em Linh!",
    idea: [
      "Hôm nay chúng ta cùng trò chuyện về {topic}.",
      "Đây là một chủ đề được rất nhiều bạn quan tâm trong thời gian gần đây.",
      "Mình sẽ chia câu chuyện thành ba ý ngắn để các bạn dễ theo dõi.",
    ],
    points: [
      [
        {
          label: "Vì sao đáng quan tâm",
          line: "Trước hết, {topic} gần gũi với cuộc sống hằng ngày hơn chúng ta nghĩ.",
          more: [
            "Chỉ cần để ý một chút, bạn sẽ thấy điều này ở nhà, ở trường và ở nơi làm việc.",
            "Khi hiểu rõ hơn, chúng ta sẽ có những lựa chọn đúng đắn và tự tin hơn.",
          ],
        },
        {
          label: "Bắt đầu từ đâu",
          line: "Tiếp theo, hãy bắt đầu từ một bước nhỏ mà bạn có thể làm ngay hôm nay.",
          more: [
            "Mỗi ngày mười phút tìm hiểu, sau một tháng bạn sẽ bất ngờ về chính mình.",
            "Đừng ngại đặt câu hỏi, vì câu hỏi hay luôn mở ra cánh cửa mới.",
          ],
        },
        {
          label: "Điều cần nhớ",
          line: "Cuối cùng, hãy giữ sự tò mò và chia sẻ điều bạn học được với mọi người.",
          more: [
            "Một kiến thức được chia sẻ sẽ giúp thêm nhiều người cùng tiến bộ.",
            "Và biết đâu, chính bạn sẽ truyền cảm hứng cho ai đó ngay bên cạnh mình.",
          ],
        },
      ],
      [
        {
          label: "Bức tranh chung",
          line: "Đầu tiên, hãy nhìn {topic} như một bức tranh lớn với nhiều mảnh ghép.",
          more: [
            "Mỗi mảnh ghép tuy nhỏ nhưng đều góp phần làm nên toàn bộ câu chuyện.",
            "Nhìn tổng thể trước sẽ giúp chúng ta không bị lạc trong chi tiết.",
          ],
        },
        {
          label: "Lợi ích thiết thực",
          line: "Thứ hai, điều quý nhất là những lợi ích thiết thực mà chúng ta nhận được.",
          more: [
            "Đó có thể là thời gian được tiết kiệm, sức khỏe tốt hơn hay niềm vui mỗi ngày.",
            "Hãy chọn một lợi ích phù hợp với bạn nhất và bắt đầu từ đó.",
          ],
        },
        {
          label: "Hành động hôm nay",
          line: "Thứ ba, hãy thử một việc nhỏ ngay hôm nay và cảm nhận sự khác biệt.",
          more: [
            "Không cần hoàn hảo, chỉ cần bắt đầu và đều đặn là đủ.",
            "Hãy ghi lại kết quả để thấy mình đã đi được bao xa.",
          ],
        },
      ],
    ],
    close: "Cảm ơn các bạn đã lắng nghe!",
    farewell: "Hẹn gặp lại các bạn trong video tiếp theo nhé!",
  },
  en: {
    labels: { greeting: "Hello", idea: "Topic", close: "Goodbye" },
    greeting: "Hello everyone, I am Em Linh!",
    idea: [
      "Today let us talk about {topic}.",
      "It is something that many people have been curious about lately.",
      "I will tell it in three short parts, so that it is easy to follow.",
    ],
    points: [
      [
        {
          label: "Why it matters",
          line: "First, {topic} is closer to our daily life than we think.",
          more: [
            "Look around for a moment, and you will find it at home, at school and at work.",
            "The better we understand it, the better and calmer our choices become.",
          ],
        },
        {
          label: "Where to begin",
          line: "Second, begin with one small step that you can take today.",
          more: [
            "Ten minutes a day are enough, and after a month you will surprise yourself.",
            "Never be afraid to ask, because a good question opens a new door.",
          ],
        },
        {
          label: "What to remember",
          line: "Finally, stay curious, and share what you have learned with others.",
          more: [
            "Knowledge that is shared helps many more people to move forward.",
            "And perhaps you will inspire somebody who is right beside you.",
          ],
        },
      ],
      [
        {
          label: "The big picture",
          line: "First, think of {topic} as a big picture made of many pieces.",
          more: [
            "Each piece is small, and yet the story would not be whole without it.",
            "Seeing the whole first keeps us from getting lost in the details.",
          ],
        },
        {
          label: "What we gain",
          line: "Second, what counts most is the good that it brings to us.",
          more: [
            "It may be time saved, better health, or a little more joy every day.",
            "Choose the one that suits you best, and start from there.",
          ],
        },
        {
          label: "Try it today",
          line: "Third, try one small thing today, and notice the difference.",
          more: [
            "It does not have to be perfect; it only has to begin, and to go on.",
            "Write down how it went, and you will see how far you have come.",
          ],
        },
      ],
    ],
    close: "Thank you for listening!",
    farewell: "See you again in the next video!",
  },
};
